"""Targets that are built into pyOCD, and their flash: of one release, or of what is installed."""

from __future__ import annotations

from pathlib import Path

TABLE = Path(__file__).parents[1] / "flashing" / "pyocd-0.46.txt"
Regions = list[tuple[int, int]]
"""First address, and the one behind the last."""


def read() -> dict[str, Regions]:
    """The table of the tree."""
    lines = [line.split() for line in TABLE.read_text("utf-8").splitlines()
             if not line.startswith("#")]
    return {name: [(int(begin, 16), int(end, 16)) for begin, end in
                   (region.split("-") for region in regions)] for name, *regions in lines}


def installed() -> dict[str, Regions]:
    """The same of the pyOCD of this environment."""
    from pyocd.target import TARGET

    return {name: [(r.start, r.end + 1) for r in getattr(target, "MEMORY_MAP", ()) if r.is_flash]
            for name, target in TARGET.items()}


if __name__ == "__main__":  # writes the table
    import pyocd

    lines = [f"# Targets built into pyOCD {pyocd.__version__} (Apache-2.0) and their flash, by",
             "# python tests/support/pyocd_table.py"]
    lines += [" ".join([name, *(f"0x{begin:08x}-0x{end:08x}" for begin, end in regions)])
              for name, regions in sorted(installed().items())]
    TABLE.write_text("\n".join(lines) + "\n", "utf-8")
