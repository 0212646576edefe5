"""Where every byte lies, before anything is built."""
