"""What comes from outside: labelled samples, and what happens to sensors."""
