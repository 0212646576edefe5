"""The udev rule: what it says, and that it is written or told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.flashing import udev
from edge_dassdp.flashing.finding import known_boards

_KEY = r'(ACTION|SUBSYSTEM|ATTRS?\{id(Vendor|Product)\})=="[a-z0-9]+"'
_VALUE = r'(MODE="0660"|GROUP="dialout"|TAG\+="uaccess"|ENV\{ID_MM_DEVICE_IGNORE\}="1"|' \
    r'GOTO="edge_dassdp_end"|LABEL="edge_dassdp_end")'


def test_every_adapter_of_a_board_has_its_lines_and_every_line_is_udevs() -> None:
    text = udev.rules(known_boards(), "dialout")
    for usb in {usb for b in known_boards() for usb in b.program.usb}:
        lines = [line for line in text.splitlines()
                 if f'"{usb[:4]}"' in line and f'"{usb[5:]}"' in line]
        assert [line.partition(",")[0] for line in lines] == [
            f'SUBSYSTEM=="{kind}"' for kind in ("tty", "usb", "hidraw")]
        assert all("uaccess" in line and 'GROUP="dialout"' in line for line in lines)
    for line in text.splitlines():
        if line and not line.startswith("#"):
            assert re.fullmatch(rf"({_KEY}|{_VALUE})(, ({_KEY}|{_VALUE}))*", line), line
    assert udev.PLACE.name < "73-seat-late.rules"  # which hands out what is tagged


def test_it_is_written_whole_or_refused_with_the_way(tmp_path: Path) -> None:
    udev.install("text\n", tmp_path / "70.rules")
    assert (tmp_path / "70.rules").read_text() == "text\n"
    with pytest.raises(EdgeError) as caught:
        udev.install("text\n", tmp_path / "none" / "70.rules")
    assert caught.value.code == "E103" and caught.value.help
