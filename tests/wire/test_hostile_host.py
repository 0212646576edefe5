"""No host makes the device leave its memory, compute something undefined, or fall silent."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from support import lanes
from support.devices import lock_of, network
from support.hostile_host import GREETS, HostileHost, greeting
from support.sanitized import Sanitized, share_text

from edge_dassdp.build.project import emulator_project
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.wire.frames import FrameDecoder, Response, parse_response
from edge_dassdp.wire.messages import MESSAGES, STATUSES

KINDS = ("error", "gated", "frames", "memory", "gate", "wide", "sensor", "worn", "streamed",
         "values", "values frames", "classes")
LOCKED_KINDS = ("locked error", "locked frames", "locked memory", "locked sensor", "locked worn")
N_FRAMES = 400_000 if lanes.nightly else 20_000
MAIN = Path(__file__).with_name("fuzz_main.c")
LINK = "src/link/"
LOCK_UNITS = ("src/link/sha256.c", "src/link/lock.c")
"""Of these the first has lines that are counted of a locked device; keys reach those of the other.
"""
E_LOCKED = STATUSES["E_LOCKED"]
ALWAYS_WRITING = {m.kind for m in MESSAGES.values() if m.writes is True}
LEAST_SHARE = 0.99


@dataclass(frozen=True)
class Hostile:
    """A device of a kind under the sanitizers, as a program."""

    program: Path
    kind: str

    @classmethod
    def of(cls, made: Sanitized, kind: str) -> Hostile:
        project = emulator_project(emit(Plan.of(network(kind)), lock=lock_of(kind)))
        return cls(made.program(replace(project, files={
            **project.files, "fuzz_main.c": MAIN.read_text("utf-8")}), kind), kind)

    def answers(self, talk: bytes) -> list[Response]:
        run = subprocess.run([self.program], input=talk, capture_output=True, check=False)
        assert run.returncode == 0, run.stderr.decode()[:2000]
        return [parse_response(body) for body in FrameDecoder().feed(run.stdout)]

    def attacked(self) -> tuple[list[bytes], list[Response]]:
        """What a hostile host sends, and what it is answered."""
        [hello] = self.answers(greeting("HELLO", GREETS))
        offer = MESSAGES["HELLO"].response.unpack(hello.payload)["offer"]
        host = HostileHost(self.kind, offer, Random(self.kind))
        sent = list(host.frames(N_FRAMES))
        found = self.answers(b"".join([*sent, b"\0", greeting("HELLO", GREETS)]))
        assert len(found) >= host.n_right > 0.8 * len(sent), "it fell silent"
        return sent, found


@pytest.mark.xdist_group("fuzz")
def test_a_hostile_host_under_sanitizers(
        gcov: None, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """The lines of the link run, but for those that no bytes reach; how many is printed."""
    made = Sanitized(tmp_path, LINK)
    n_frames = sum(len(Hostile.of(made, kind).attacked()[0]) for kind in KINDS)
    lines = {place: ran for place, ran in made.lines().items()
             if not place[0].startswith(LOCK_UNITS)}
    record_property("hostile host", f"{n_frames:,} frames, 0 findings; lines of the link that ran: "
                    f"{share_text(lines)}")
    never = sorted(place for place, ran in lines.items() if not ran)
    assert len(never) < (1 - LEAST_SHARE) * len(lines), never


@pytest.mark.xdist_group("fuzz")
def test_a_hostile_host_without_the_key_writes_nothing(
        gcov: None, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Whatever it asks of a locked device: it is read, and what it has learned stays as it was."""
    made = Sanitized(tmp_path, LOCK_UNITS[0])
    n_frames = n_refused = 0
    for kind in LOCKED_KINDS:
        sent, found = Hostile.of(made, kind).attacked()
        hellos = [MESSAGES["HELLO"].response.unpack(r.payload) for r in found
                  if r.kind == MESSAGES["HELLO"].kind and r.status == 0]
        assert len(hellos) > 5 and len({h["learned_digest"] for h in hellos}) == 1
        assert not [r for r in found if r.kind in ALWAYS_WRITING and r.status != E_LOCKED
                    and r.status != STATUSES["E_SESSION"]]
        assert [r for r in found if r.kind == MESSAGES["INFER"].kind and r.status == 0]
        n_frames += len(sent)
        n_refused += sum(r.status == E_LOCKED for r in found)
    assert all(made.lines().values())
    record_property("hostile host without the key", f"{n_frames:,} frames, {n_refused:,} of them "
                    "refused as not signed, 0 writes")
