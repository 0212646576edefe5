"""The table of the link, its frames, and sessions of one host with one device over any port."""
