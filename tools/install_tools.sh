#!/bin/sh
# The Debian packages for building and running firmware. Says what it cannot do, and never fails.
packages="gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"

if command -v arm-none-eabi-gcc >/dev/null && command -v qemu-system-arm >/dev/null; then
    exit 0
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "The firmware parts need $packages; install them as root. Going on with the emulator alone." >&2
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "The firmware parts need arm-none-eabi-gcc, newlib and qemu-system-arm; this is not Debian, so please install them. Going on with the emulator alone." >&2
    exit 0
fi
log=$(mktemp)
echo "Installing $packages ..." >&2
if $as_root apt-get update >"$log" 2>&1 &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        $packages >>"$log" 2>&1; then
    rm -f "$log"
else
    tail -n 3 "$log" >&2
    rm -f "$log"
    echo "The packages could not be installed. Going on with the emulator alone." >&2
fi
