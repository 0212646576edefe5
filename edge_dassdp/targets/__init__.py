"""One interface for the reference, the emulator, QEMU and a board on a serial port."""
