"""What a device has learned, away from it: bytes, files, lessons."""
