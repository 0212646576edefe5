"""Errors, numbers, Q-formats, files: what everything stands on."""
