"""Slots in flash for what was learned: those of boards, and those of the emulator."""
