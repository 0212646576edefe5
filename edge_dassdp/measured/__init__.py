"""What a board itself tells of a network: its ticks, its stack, and a log of its current."""
