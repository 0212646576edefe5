"""What the stores of a board.toml come to: core clock, baud rate, clock gates, pins, counters.

Rules of each family of chips, written from its reference manual; registers start as a reset leaves
them. No processor runs: a set-up is a list of stores.
"""
