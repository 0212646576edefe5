"""Verbs with a file of their own."""
