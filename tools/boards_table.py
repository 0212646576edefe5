"""The table of boards in docs/boards.md, from boards/*/board.toml and boards/evidence.toml: prints
it, or with --write puts it in its place."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from edge_dassdp.figures.evidence import table  # noqa: E402

PAGE = ROOT / "docs" / "boards.md"
PLACE = re.compile(r"(?<=boards_table.py --write -->\n).*?(?=\n<!-- /boards -->)", re.DOTALL)


def main() -> None:
    if "--write" not in sys.argv:
        print(table())
        return
    PAGE.write_text(PLACE.sub(lambda _: table(), PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
