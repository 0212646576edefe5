"""What each verb does; a file registers its own."""
