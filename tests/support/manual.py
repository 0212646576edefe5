"""The manual's pages, and what stands in their blocks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from textwrap import dedent

from support.commands import ROOT

PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md")
                                     if p.name not in ("cli.md", "errors.md", "fields.md"))]
SHELL = ("", "bash", "sh", "console")
BLOCK = re.compile(r"^```(?P<kind>\S*)[^\n]*\n(?P<text>.*?)^```$", re.M | re.S)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def pieces(page: Path) -> Iterator[tuple[str, str]]:
    """The kind and the text of each block, in their order."""
    return ((b["kind"], dedent(b["text"])) for b in BLOCK.finditer(page.read_text("utf-8")))


def blocks(page: Path, *kinds: str) -> Iterator[str]:
    return (text for kind, text in pieces(page) if kind in kinds)


def commands(page: Path) -> list[list[str]]:
    """Words behind edge-dassdp, of all blocks of commands."""
    return [words for text in blocks(page, *SHELL) for words in commands_of(text)]


def commands_of(text: str) -> list[list[str]]:
    """The same of one block; lines that end in a backslash go on."""
    lines = [line.removeprefix("$ ") for line in text.replace("\\\n", " ").splitlines()]
    found = [shlex.split(line, comments=True) for line in lines if line.startswith("edge-dassdp ")]
    own = [[*takewhile(lambda word: word not in ("|", ">", "&", "&&", ";"), words[1:])]
           for words in found]
    return [[word for word in words if word != "..."] for words in own]
