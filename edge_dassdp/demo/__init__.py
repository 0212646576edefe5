"""The main jobs that the README shows."""
