"""Files of any kind: written whole, read within bounds, known for what they are."""
