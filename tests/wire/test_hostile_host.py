"""No host makes the device leave its memory, compute something undefined, or fall silent."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from support import lanes
from support.devices import network
from support.hostile_host import GREETS, HostileHost, greeting
from support.sanitized import Sanitized, share_text

from edge_dassdp.build.project import emulator_project
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.wire.frames import FrameDecoder, parse_response
from edge_dassdp.wire.messages import MESSAGES

KINDS = ("error", "gated", "frames", "memory", "gate", "wide", "sensor", "worn")
N_FRAMES = 400_000 if lanes.nightly else 20_000
MAIN = Path(__file__).with_name("fuzz_main.c")
LINK = "src/link/"
LEAST_SHARE = 0.99


@pytest.mark.xdist_group("fuzz")
def test_a_hostile_host_under_sanitizers(
        gcov: None, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """The lines of the link run, but for those that no bytes reach; how many is printed."""
    made = Sanitized(tmp_path, LINK)
    n_frames = 0
    for kind in KINDS:
        project = emulator_project(emit(Plan.of(network(kind))))
        program = made.program(replace(project, files={
            **project.files, "fuzz_main.c": MAIN.read_text("utf-8")}), kind)

        def answers(talk: bytes, program: Path = program) -> list[bytes]:
            run = subprocess.run([program], input=talk, capture_output=True, check=False)
            assert run.returncode == 0, run.stderr.decode()[:2000]
            return list(FrameDecoder().feed(run.stdout))

        [hello] = answers(greeting("HELLO", GREETS))
        offer = MESSAGES["HELLO"].response.unpack(parse_response(hello).payload)["offer"]
        host = HostileHost(kind, offer, Random(kind))
        sent = list(host.frames(N_FRAMES))
        assert len(answers(b"".join(sent))) >= host.n_right > 0.8 * len(sent), "it fell silent"
        n_frames += len(sent)
    lines = made.lines()
    record_property("hostile host", f"{n_frames:,} frames, 0 findings; lines of the link that ran: "
                    f"{share_text(lines)}")
    never = sorted(place for place, ran in lines.items() if not ran)
    assert len(never) < (1 - LEAST_SHARE) * len(lines), never
