"""What a hostile device says, one lie each, by what it is."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import count

from support.liar import Lie, fields, payload

from edge_dassdp.wire.frames import Response, encode_frame, encode_request, encode_response
from edge_dassdp.wire.messages import MESSAGES, NAME_BYTES

MOST = (1 << 32) - 1
ESCAPES = b"\x1b[2J\x1b]0;x\x07\xe2\x80\xae"
"""A cleared screen, a window's title, and text from right to left."""
_CHUNKS = ("READ_WEIGHTS", "READ_STATE", "READ_LEARNING")


def status(about: str, value: int, says: str, code: str) -> Lie:
    return Lie(about, lambda answer: encode_response(replace(answer, status=value, payload=b"")),
               says, code)


def header(says: str = "does not answer", **changes: int) -> Lie:
    """True answers to requests that nobody made."""
    return Lie("", lambda answer: encode_response(replace(answer, **{
        name: (getattr(answer, name) + by) % 65536 for name, by in changes.items()})), says, "E502")


def flood(flooding: bytes) -> Lie:
    return Lie("", lambda answer: b"", "does not answer", "E502", lambda: flooding)


def _strangers() -> Lie:
    """Whole frames, each with a right CRC, of sessions that this host never had."""
    sessions = count(1)

    def stranger() -> bytes:
        return b"".join(encode_response(Response(3, next(sessions), 1, 0, bytes(40)))
                        for _ in range(40))

    return Lie("", lambda answer: b"", "does not answer", "E502", stranger)


def _trickle() -> Lie:
    """A byte now and then, never the end of a frame."""
    def byte() -> bytes:
        time.sleep(0.004)
        return b"\x07"

    return Lie("", lambda answer: b"", "does not answer", "E502", byte)


HELLOS = {
    "a state of 4 GiB": fields("HELLO", "state_bytes is 4,294,967,295", state_bytes=MOST),
    "a negative learning state": fields("HELLO", "persist_begin is 4", persist_begin=4,
                                        persist_end=0),
    "a learning state beyond the state": fields("HELLO", "persist_end is 4,294,967,295",
                                                persist_end=MOST),
    "65,535 classes": fields("HELLO", "n_classes is 65,535", n_classes=65535),
    "no class": fields("HELLO", "n_classes is 0", n_classes=0),
    "samples of 4 GiB": fields("HELLO", "x_bytes is 4,294,967,295", x_bytes=MOST),
    "samples of a byte": fields("HELLO", "x_bytes is 1", x_bytes=1),
    "no step": fields("HELLO", "n_steps is 0", n_steps=0),
    "65,535 projections": fields("HELLO", "65535 projections", n_projections=65535),
    "a counter of 255 bits": fields("HELLO", "tick_bits is 255", tick_bits=255),
    "another ABI": fields("HELLO", "abi is 250", abi=250),
    "another model": fields("HELLO", "another model", model_hash=b"\xff" * 32),
    "another protocol": fields("HELLO", "protocol 250", protocol=250),
    "a start for no reason": fields("HELLO", "cause is 99", cause=99),
    "slots of a kind that is none": fields("HELLO", "store is 99", store=99),
    "a save without a number": fields("HELLO", "n_saves is 0", store=2, n_saves=0),
    "a number without a save": fields("HELLO", "n_saves is 5", store=1, n_saves=5),
    "no session": fields("HELLO", "offer is 0", offer=0),
    "a HELLO too short": payload("HELLO", "another format", lambda p: p[:-1]),
    "a HELLO too long": payload("HELLO", "another format", lambda p: p + bytes(5000)),
    "no HELLO": payload("HELLO", "protocol none", lambda p: b""),
}
OPENS = {
    "an OPEN too short": payload("OPEN", "another format", lambda p: p[:-1]),
    "an OPEN too long": payload("OPEN", "another format", lambda p: p + b"x"),
    "a session that is always taken": status("OPEN", -34, "took it over", "E505"),
    "a status of OPEN that nobody knows": status("OPEN", 77, "took it over", "E505"),
    "a status of HELLO that nobody knows": status("HELLO", -99, "status -99", "E504"),
    "a refused HELLO": status("HELLO", -33, "wrong size", "E503"),
}
NAMES = {
    "escapes in its name": fields("HELLO", code="", says="",
                                  board=ESCAPES.ljust(NAME_BYTES, b"\0")),
    "a name that is no ASCII": fields("HELLO", code="", says="", board=b"\xff\0\xc3\xa9" * 4),
    "no name": fields("HELLO", code="", says="", board=bytes(NAME_BYTES)),
}
OUTCOMES = {
    "class 65535": fields("LEARN", "class_idx is 65535", class_idx=65535),
    "a class that its logits deny": fields("INFER", "is the largest",
                                           logits=b"\0\0\0\0\0\1\0\0\0\0\0\0", class_idx=0),
    "no logits": fields("INFER", "0 bytes of logits", logits=b""),
    "a logit too few": fields("LEARN", "8 bytes of logits", logits=bytes(8)),
    "a logit and a half": fields("LEARN", "14 bytes of logits", logits=bytes(14)),
    "100 KB of logits": fields("INFER", "100000 bytes of logits", logits=bytes(100_000)),
    "a loss beyond all": fields("LEARN", "loss_q8 is 65,535", loss_q8=65535),
    "a loss without a lesson": fields("INFER", "loss_q8 is 1", loss_q8=1),
    "flags that nobody knows": fields("LEARN", "flags are 0xff", flags=255),
    "held back without a gate": fields("LEARN", "flags are 0x8", flags=8),
    "a lesson where none was": fields("INFER", "flags are 0x2", flags=2),
    "65,535 replayed": fields("LEARN", "n_replayed is 65,535", n_replayed=65535),
    "a digest that nobody asked for": fields("WARM_UP", "learned_digest", learned_digest=MOST),
    "ticks without a counter": fields("LEARN", "forward_ticks is 4,294,967,295",
                                      forward_ticks=MOST),
    "an outcome cut short": payload("LEARN", "another format", lambda p: p[:9]),
    "half an outcome": payload("INFER", "another format", lambda p: b""),
    "65,535 steps done": fields("IDLE", "n_done is 65,535", n_done=65535),
}
SIZES = {
    **{f"{name}: {what}": payload(name, says, change) for name in _CHUNKS
       for what, says, change in (("nothing", "it says 0 bytes", lambda p: b""),
                                  ("a byte too few", "bytes", lambda p: p[:-1]),
                                  ("a byte too many", "bytes", lambda p: p + b"x"),
                                  ("60 KB", "bytes", lambda p: bytes(60_000)))},
    **{f"{name}: an answer where none belongs": payload(name, "another format", lambda p: b"x")
       for name in ("PUT_SAMPLE", "RESET", "SAVE", "ROLLBACK", "FIT_GATE", "WRITE_WEIGHTS",
                    "WRITE_LEARNING", "HOLD", "RELEASE")},
}
VALUES = {
    "weights beyond their bits": payload("READ_WEIGHTS", "they have 4 bits",
                                         lambda p: b"\x7f" * len(p)),
    "a generator that stands still": payload("READ_LEARNING", "learning.rng is 0",
                                             lambda p: bytes(4) + p[4:]),
    "every weight at an end, and more": fields("STATISTICS", "n_saturated is 4,294,967,295",
                                               n_saturated=MOST),
    "a save that has no number": fields("STORE", "n_saves is 0", n_saves=0),
    "samples held back without a gate": fields("STATISTICS", "n_held is 3", n_held=3),
    "a gate that is shut without one": fields("STATISTICS", "is_open is 0", is_open=0),
    "more hits than samples": fields("STATISTICS", "hits is 200", hits=200),
    "more hits of the factory": fields("STATISTICS", "factory_hits is 65,535", factory_hits=65535),
    "more skipped than there were": fields("STATISTICS", "n_skipped is 4,294,967,295",
                                           n_skipped=MOST),
    "more replays skipped than there were": fields(
        "STATISTICS", "n_replay_skipped is 4,294,967,295", n_replay_skipped=MOST),
    "more stack used than it has": fields("STATISTICS", "stack_used is 9", stack_used=9),
    "statistics cut short": payload("STATISTICS", "another format", lambda p: p[:-1]),
    "statistics and more": payload("STATISTICS", "another format", lambda p: p + b"x"),
}
STATUSES = {
    **{f"{name}: {text}": status(name, value, says, code) for name in ("LEARN", "READ_STATE")
       for text, value, says, code in (
           ("its session is gone", -34, "restarted", "E505"),
           ("a status that nobody knows", -77, "status -77", "E504"),
           ("a status above 0", 5, "status 5", "E504"),
           ("a refusal", -2, "index out of range", "E503"))},
}
STREAMS = {
    "answers to other requests": header(kind=1),
    "answers of other sessions": header(session=1),
    "answers that come too early": header(sequence=1),
    "answers that come too late": header(sequence=-1),
    "an echo": Lie("", lambda answer: encode_request(answer.kind, answer.session, answer.sequence,
                                                     b""), "does not answer", "E502"),
    "damaged frames": Lie("", lambda answer: encode_response(answer)[:-3] + b"\1\1\0",
                          "does not answer", "E502"),
    "silence": Lie("", lambda answer: b"", "does not answer", "E502"),
    "garbage without an end": flood(b"\xa5" * 4096),
    "zeros without an end": flood(bytes(4096)),
    "damaged frames without an end": flood(b"\0\3\1\2\0" * 800),
    "huge frames without an end": flood(encode_frame(b"\x83" + bytes(65_536))),
    "requests without an end": flood(encode_request(MESSAGES["LEARN"].kind, 1, 1, bytes(40))),
    "strangers without an end": _strangers(),
    "a trickle": _trickle(),
}
LIES = HELLOS | OPENS | NAMES | OUTCOMES | SIZES | VALUES | STATUSES | STREAMS
