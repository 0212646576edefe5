"""The table of the link and its frames; no input or output."""
