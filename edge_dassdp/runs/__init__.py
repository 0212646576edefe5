"""What a command left: its folder, the same command once more, two of them side by side, a page."""
