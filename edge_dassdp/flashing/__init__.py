"""From a firmware to a board: its drive, pyOCD or a command, then the board itself is asked."""
