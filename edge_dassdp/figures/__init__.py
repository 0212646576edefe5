"""What a network costs, before the build and after it."""
