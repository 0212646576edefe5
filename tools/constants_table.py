"""The table of docs/arithmetic.md 18, from codegen/constants.toml and the C headers: prints it, or
with --write puts it in its place."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from edge_dassdp.emit.fits import document  # noqa: E402

PLACE = re.compile(r"(?<=<!-- constants -->\n).*?(?=\n<!-- /constants -->)", re.DOTALL)


def main() -> None:
    if "--write" not in sys.argv:
        print(document())
        return
    path = ROOT / "docs" / "arithmetic.md"
    path.write_text(PLACE.sub(document(), path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
