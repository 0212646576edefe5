#!/bin/sh
# The Debian packages for the virtual environment, and for building and running firmware.
# Says what it cannot do, and never fails.
packages=""
python3 -c "import ensurepip" 2>/dev/null || packages="$packages python3-venv"
command -v arm-none-eabi-gcc >/dev/null ||
    packages="$packages gcc-arm-none-eabi libnewlib-arm-none-eabi"
command -v qemu-system-arm >/dev/null || packages="$packages qemu-system-arm"
command -v clang++ >/dev/null || packages="$packages clang" # a second C++ compiler for the tests
command -v cmake >/dev/null || packages="$packages cmake" # what libraries for it are tested with
[ -e /usr/lib/picolibc/arm-none-eabi/picolibc.specs ] || # a second C library for boards
    packages="$packages picolibc-arm-none-eabi"
command -v chromium >/dev/null || packages="$packages chromium" # what reports are looked at with
[ -n "$packages" ] || exit 0

explain() {
    echo "$1: please install$packages. Without the ARM tools all goes on with the emulator alone." >&2
    exit 0
}
command -v apt-get >/dev/null || explain "This is not Debian"
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    explain "Neither root nor sudo without a password"
fi
echo "Installing$packages ..." >&2
log=$(mktemp)
$as_root apt-get update >"$log" 2>&1 &&
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $packages >>"$log" 2>&1
status=$?
[ $status = 0 ] || tail -n 3 "$log" >&2
rm -f "$log"
[ $status = 0 ] || explain "The packages could not be installed"
