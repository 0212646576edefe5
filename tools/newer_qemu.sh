#!/bin/sh
# QEMU 10 beside the one that Debian 12 installs: from its own backports into a folder of this tree,
# by lists of packages that are thrown away again. Neither root nor a change of the system is needed.
# Tests put the folder last on PATH. Says what it cannot do, and never fails.
tree=$(cd "$(dirname "$0")/.." && pwd)
folder="$tree/.tools/qemu"
needed=9 # of QEMU; 9.1 has the first UART of the b-l475e-iot01a
for program in qemu-system-arm "$folder/qemu-system-arm"; do
    major=$("$program" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9]*\)\..*/\1/p')
    [ "${major:-0}" -le $needed ] || exit 0
done

work=$(mktemp -d) || exit 0
trap 'rm -rf "$work"' EXIT
explain() {
    echo "$1: the boards that QEMU 7.2 does not have are left out." >&2
    exit 0
}
. /etc/os-release 2>/dev/null
[ "${VERSION_CODENAME:-}" = bookworm ] && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    explain "This is not Debian 12, and no QEMU 10 is on PATH"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
    "http://deb.debian.org/debian bookworm-backports main" >"$work/sources.list"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$folder"
apt() {
    apt-get -q -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="" \
        -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@" >>"$work/log" 2>&1
}
echo "Fetching QEMU 10 ..." >&2
cd "$work" && apt update && apt download qemu-system-arm &&
    dpkg-deb --fsys-tarfile qemu-system-arm_*.deb | tar -x -C "$work" ./usr/bin/qemu-system-arm ||
    { tail -n 2 "$work/log" >&2; explain "QEMU 10 could not be fetched"; }
"$work/usr/bin/qemu-system-arm" --version >/dev/null 2>>"$work/log" ||
    { tail -n 2 "$work/log" >&2; explain "QEMU 10 does not start here"; }
mv "$work/usr/bin/qemu-system-arm" "$folder/qemu-system-arm" || explain "$folder cannot be written"
