"""How a sensor is worn: profiles of raw counts, and their fits, in integers alone."""
