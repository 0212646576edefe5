"""Boards as data, and the way from texts to a linked firmware and what it holds."""
