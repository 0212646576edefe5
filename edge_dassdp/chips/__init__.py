"""What a chip's registers are by name, and what the stores of a board.toml do to them."""
