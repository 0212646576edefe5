"""The manual, built as `make docs` does: no warning, no dead link, all of it from disk."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import edge_dassdp as ed
from edge_dassdp.base.errors import CODES

ROOT = Path(__file__).resolve().parents[2]


class Page(HTMLParser):
    """Where a page leads, what it loads, and the places in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        named = dict(attrs)
        self.ids.add(named.get("id", ""))
        if tag == "a" and "href" in named:
            self.links.append(named["href"])
        elif tag in ("script", "img", "link", "iframe"):
            self.loads += [named[key] for key in ("src", "href") if named.get(key)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    out = tmp_path_factory.mktemp("manual")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return {path: Page(path) for path in out.rglob("*.html")}


def test_every_link_leads_somewhere_on_disk(pages: dict[Path, Page]) -> None:
    assert len(pages) > 20
    for path, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            assert target.is_file(), f"{path.name}: {link}"
            if url.fragment and target in pages:
                assert unquote(url.fragment) in pages[target].ids, f"{path.name}: {link}"


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for load in page.loads:
            assert not urlsplit(load).scheme and not load.startswith("//"), f"{path.name}: {load}"


def test_every_name_of_python_every_error_and_every_call_of_c_has_its_place(
        pages: dict[Path, Page]) -> None:
    text = {path.stem: path.read_text(encoding="utf-8") for path in pages}
    assert all(f"ed.{name}" in text["python"] for name in ed.__all__ if name != "__version__")
    assert all(code in text["errors"] for code in CODES)
    header = (ROOT / "firmware" / "include" / "dassdp.h").read_text(encoding="utf-8")
    calls = re.findall(r"^\w[\w ]* \*?(dassdp_\w+)\(", header, re.M)
    assert len(calls) >= 18
    assert [name for name in calls if f'id="c.{name}"' not in text["c"]] == []
