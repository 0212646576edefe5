"""One host, one device, one request at a time: every request carried out exactly once.

The host repeats a request until it is answered; the device answers a repeated sequence number
from memory (docs/protocol.md). A `Session` holds this state and nothing about networks.
"""

from __future__ import annotations

import json
import math
import secrets
import time
from pathlib import Path
from typing import Any, Protocol, TextIO

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.wire.frames import (
    MIN_RESPONSE_FRAME_BYTES,
    FrameDecoder,
    FrameError,
    Response,
    encode_request,
    parse_response,
)
from edge_dassdp.wire.messages import MESSAGES, PROTOCOL, STATUS_TEXTS, STATUSES

TIMEOUT_S = 2.0  # the first byte after power-on may take one second
RETRIES = 8
HELLO_PERIOD_S = 0.25  # bytes sent to a chip that still boots are lost, and HELLO may be repeated
_HELLO = MESSAGES["HELLO"]
_N_SEQUENCES = 1 << 16


class Port(Protocol):
    """What a Session needs of a port; pyserial's Serial is one.

    `read(size)` gives fewer bytes than asked for only after `timeout` seconds.
    """

    timeout: float | None

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...
    def close(self) -> None: ...


class Session:
    """Requests over a port. `n_frames` counts frames sent, `n_retries` the repeated ones.

    timeout_s: seconds to wait for each answer, above 0. retries: how often a request is repeated
    before E502. log: a file for every byte sent and received, JSON lines with t_s, to and hex.
    """

    def __init__(self, port: Port, *, timeout_s: float = TIMEOUT_S, retries: int = RETRIES,
                 log: Path | None = None) -> None:
        if timeout_s <= 0 or retries < 0:
            raise EdgeError("E105", f"timeout {timeout_s} s with {retries} retries is not possible",
                            help="give a timeout above 0 and 0 or more retries")
        self.n_frames = 0
        self.n_retries = 0
        self.lost_request_ran: bool | None = None
        self._port = port
        self._timeout_s = timeout_s
        self._retries = retries
        self._decoder = FrameDecoder()
        self._id = 0
        self._sequence = 0
        self._unanswered: int | None = None
        self._asked = ""
        self._log: TextIO | None = log.open("w", encoding="utf-8") if log else None
        self._start_s = time.monotonic()

    @property
    def is_open(self) -> bool:
        """Whether the device knows this session, as far as one can tell."""
        return self._id != 0

    def open(self) -> dict[str, Any]:
        """Begin a session; gives the fields of HELLO.

        Raises EdgeError E502 without an answer, E504 if the device speaks another protocol.
        """
        self._id = 0
        self._unanswered = None
        self._sequence = 0
        session = secrets.randbelow(0xFFFFFFFF) + 1
        hello = self._greet(session)
        self._id = session
        return hello

    def ask(self, name: str, **fields: Any) -> dict[str, Any]:
        """Have the request `name` carried out once; gives the fields of its response.

        Raises EdgeError E502 without an answer, E503 if the device refuses, E505 if it restarted,
        E104 if a field does not fit the message.
        """
        message = MESSAGES[name]
        try:
            payload = message.request.pack(**fields)
        except ValueError as problem:
            raise EdgeError("E104", f"{name} cannot carry these values",
                            cause=str(problem)) from None
        self._settle()
        sequence = (self._sequence + 1) % _N_SEQUENCES
        frame = encode_request(message.kind, self._id, sequence, payload)
        self._unanswered, self._asked = sequence, name
        response = self._exchange(frame, message.kind, self._id, sequence, self._timeout_s,
                                  self._retries + 1)
        if response.status == STATUSES["E_SESSION"]:
            raise self._lost()
        self._sequence = sequence
        self._unanswered = None
        if response.status != STATUSES["OK"]:
            raise EdgeError(
                "E503", f"the device refused {name}: {status_text(response.status)}",
                cause=f"status {response.status}", help="No weight was changed; go on.")
        return _unpack(response)

    def close(self) -> None:
        """Close port and log; harmless when repeated."""
        self._id = 0
        self._port.close()
        if self._log:
            self._log.close()
            self._log = None

    def _settle(self) -> None:
        """After a request without an answer: learn from the device whether it was executed.

        `lost_request_ran` keeps what the device said of the last such request. A piece of a sample
        alone runs nothing: it counts as not run, and the sample is sent again from its beginning.
        """
        if self._unanswered is None:
            return
        hello = self._greet(self._id)
        last = hello["last_sequence"]
        if not hello["is_resumed"] or last not in (self._sequence, self._unanswered):
            raise self._lost()
        self.lost_request_ran = last == self._unanswered and self._asked != "PUT_SAMPLE"
        self._sequence = last
        self._unanswered = None
        if not self.lost_request_ran:
            self.open()  # a copy of the request still under way belongs to the old session

    def _lost(self) -> EdgeError:
        self._id = 0
        self._unanswered = None
        return EdgeError(
            "E505", "the device restarted or another host took it over",
            cause="it does not know this session any more",
            help="Its weights may be the factory's: restore a snapshot, or reset it, and go on.")

    def _greet(self, session: int) -> dict[str, Any]:
        """HELLO, as often as fits into the time that any other request may take."""
        frame = encode_request(_HELLO.kind, session, 0, _HELLO.request.pack())
        total_s = self._timeout_s * (self._retries + 1)
        period_s = min(HELLO_PERIOD_S, self._timeout_s)
        self._port.timeout = period_s
        response = self._exchange(frame, _HELLO.kind, session, 0, period_s,
                                  math.ceil(total_s / period_s))
        self._port.timeout = self._timeout_s
        if response.status == STATUSES["OK"] and response.payload[:1] != bytes([PROTOCOL]):
            spoken = response.payload[0] if response.payload else "none"
            raise EdgeError("E504", f"the device speaks protocol {spoken}, this tool {PROTOCOL}",
                            help="Build the firmware with this version of edge-dassdp and flash "
                                 "it again.")
        return _unpack(response)

    def _exchange(self, frame: bytes, kind: int, session: int, sequence: int, timeout_s: float,
                  n_attempts: int) -> Response:
        for attempt in range(n_attempts):
            self.n_retries += attempt > 0
            self.n_frames += 1
            self._write(frame)
            response = self._wait(kind, session, sequence, time.monotonic() + timeout_s)
            if response is not None:
                return response
        raise EdgeError(
            "E502", "the device does not answer",
            cause=f"{n_attempts} attempts of {timeout_s:g} s each; "
                  f"{self._decoder.n_bad} damaged and {self._decoder.n_good} good frames received",
            help="Check power, port, baud rate and that the firmware was flashed. If it was "
                 "learning, statistics().n_labelled tells whether the sample was learned.")

    def _wait(self, kind: int, session: int, sequence: int, deadline_s: float) -> Response | None:
        """The response to this very request, or None when the time is over; others are dropped."""
        n_bytes = MIN_RESPONSE_FRAME_BYTES
        while data := self._read(n_bytes):
            for body in list(self._decoder.feed(data)):
                try:
                    response = parse_response(body)
                except FrameError:
                    continue
                if (response.kind, response.session, response.sequence) == (kind, session,
                                                                            sequence):
                    return response
            if time.monotonic() > deadline_s:
                break
            n_bytes = 1
        return None

    def _write(self, frame: bytes) -> None:
        self._record("device", frame)
        try:
            self._port.write(frame)
        except OSError as problem:
            raise _gone(problem) from None

    def _read(self, n_bytes: int) -> bytes:
        try:
            data = self._port.read(max(n_bytes, self._port.in_waiting))
        except OSError as problem:
            raise _gone(problem) from None
        if data:
            self._record("host", data)
        return data

    def _record(self, to: str, data: bytes) -> None:
        if self._log:
            t_s = round(time.monotonic() - self._start_s, 6)
            self._log.write(json.dumps({"t_s": t_s, "to": to, "hex": data.hex()}) + "\n")
            self._log.flush()


def status_text(status: int) -> str:
    """The sentence of a status."""
    return STATUS_TEXTS.get(status, f"status {status}, unknown to this version")


def _gone(problem: OSError) -> EdgeError:
    return EdgeError("E502", "the port was closed while in use", cause=str(problem),
                     help="Plug the device in again and connect anew.")


def _unpack(response: Response) -> dict[str, Any]:
    layout = next(m.response for m in MESSAGES.values() if m.kind == response.kind)
    try:
        return layout.unpack(response.payload)
    except ValueError as problem:
        raise EdgeError("E504", "the device answered in another format", cause=str(problem),
                        help="Build the firmware with this version of edge-dassdp and flash it "
                             "again.") from None
