"""The manual: `make docs` builds it without a warning to HTML that opens from disk."""

from __future__ import annotations

import sys
from pathlib import Path

from hawkmoth.util import compiler
from sphinx.application import Sphinx

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT)]

import generated  # noqa: E402

project = "edge_dassdp"
author = "the edge_dassdp team"
copyright = f"2026, {author}"
extensions = ["myst_parser", "sphinx.ext.autodoc", "hawkmoth"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4
default_role = "code"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True

hawkmoth_root = str(ROOT / "firmware" / "include")
hawkmoth_clang = ["-std=c11", f"-I{ROOT / 'firmware' / 'include'}", *compiler.get_include_args()]

html_theme = "furo"
html_title = "edge_dassdp"
html_copy_source = False


def setup(app: Sphinx) -> None:
    """The pages that come from the code are written before any is read."""
    app.connect("builder-inited", lambda _: generated.write(HERE / "reference"))
    app.connect("autodoc-process-docstring", lambda *args: _as_written(args[-1]))
    app.connect("hawkmoth-process-docstring", lambda *args: _as_written(args[1]))


def _as_written(lines: list[str]) -> None:
    """Docstrings are plain text: formulas keep their signs, and what is indented its lines."""
    made: list[str] = []
    for before, line in zip(["", *lines], lines, strict=False):
        indent, before_indent = (len(text) - len(text.lstrip()) for text in (line, before))
        if line.strip() and before.strip() and (indent > 0) != (before_indent > 0):
            made.append("")
        escaped = line.lstrip().replace("*", r"\*").replace("|", r"\|")
        made.append(f"| {escaped}" if indent and line.strip() else escaped)
    lines[:] = made
