"""The log of a line: all that was said, and of what a line floods no more than a disk has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.devices import library, samples, stream, target

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.wire.log import MOST_BYTES, LinkLog


class Flooding(LoopbackStream):
    """A line that gives as many bytes as are asked for, and never an answer; counts them."""

    n_bytes = 0
    is_on = False

    def read(self, size: int = 1, /) -> bytes:
        if not self.is_on:
            return super().read(size)
        self.n_bytes += 4096
        return b"\x55" * 4096


def test_what_floods_is_counted_and_not_kept(tmp_path: Path) -> None:
    log, over = tmp_path / "link.jsonl", Flooding(library("error"))
    device = target(over, log=log, timeout_s=0.3, retries=2)
    over.is_on = True
    with pytest.raises(EdgeError) as lost:
        device.infer(samples(1)[0][0])
    device.close()
    assert lost.value.code == "E502" and over.n_bytes > 20 * MOST_BYTES
    assert log.stat().st_size < 200_000
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    kept = sum(len(bytes.fromhex(line["hex"])) for line in lines if line["to"] == "host")
    left_out = sum(line.get("left_out", 0) for line in lines)
    assert left_out and abs(kept + left_out - over.n_bytes) < 1000, "all of it is accounted for"
    assert all(line["hex"] for line in lines if "left_out" not in line)


def test_a_long_stream_is_kept_to_its_last_byte(tmp_path: Path) -> None:
    log = tmp_path / "link.jsonl"
    with target(stream(), log=log) as device:
        for _ in range(40):
            device.named_state()
        n_frames = device.link_frames
    text = log.read_text()
    assert len(re.findall('"to": "device"', text)) == n_frames and "left_out" not in text
    assert len(text) > 4 * MOST_BYTES


def test_a_log_that_cannot_be_written_is_told_by_its_name(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "log", Path("/dev/full")):
        with pytest.raises(EdgeError) as refused:
            LinkLog(path).sent(b"\0")
        assert refused.value.code == "E103" and str(path) in refused.value.message
