"""registers.txt beside every board.toml: what each store does, by the names of the chip.

    python tools/registers_text.py [--write]

Without --write it says which are not as they should be. tests/boards compares them.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from support.board_checks import text  # noqa: E402

from edge_dassdp.base import assets  # noqa: E402
from edge_dassdp.build.board import list_boards, load_board  # noqa: E402


def main() -> int:
    stale = {}
    for name in list_boards():
        path, now = assets.folder("boards") / name / "registers.txt", text(name, load_board(name))
        if not path.exists() or path.read_text("utf-8") != now:
            stale[path] = now
    for path, now in stale.items():
        print(path)
        if "--write" in sys.argv:
            path.write_text(now, "utf-8")
    return 0 if "--write" in sys.argv else bool(stale)


if __name__ == "__main__":
    sys.exit(main())
