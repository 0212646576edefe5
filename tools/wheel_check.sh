#!/bin/sh
# Build the wheel, install it outside the checkout, run the emulator part of the demo from there.
set -eu
checkout=$(cd "$(dirname "$0")/.." && pwd)
outside=$(mktemp -d)
trap 'rm -rf "$outside"' EXIT
"$checkout/.venv/bin/python" -m build --quiet --wheel --no-isolation --outdir "$outside/dist" "$checkout"
python3 -m venv "$outside/venv"
"$outside/venv/bin/pip" install --quiet --disable-pip-version-check "$outside"/dist/*.whl
cd "$outside"
"$outside/venv/bin/edge-dassdp" demo digits --no-firmware --seeds 1 --out "$outside/run"
"$outside/venv/bin/edge-dassdp" demo watch --no-firmware --out "$outside/watch"
test -s "$outside/run/results.json"
test -s "$outside/watch/results.json"
echo "wheel: the emulator parts of the demos ran outside the checkout"
