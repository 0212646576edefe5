"""Where a network runs, behind one interface."""
