"""One host, one device, one request at a time: every request carried out exactly once.

The host repeats a request until it is answered; the device answers a repeated sequence number
from memory. After a request without an answer the host begins a new session, which ends the old one
for good, and learns whether the request was carried out (docs/protocol.md). A `Session` holds this
state and nothing about networks.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.wire.frames import (
    MIN_RESPONSE_FRAME_BYTES,
    FrameDecoder,
    FrameError,
    Response,
    encode_request,
    parse_response,
)
from edge_dassdp.wire.lock import VARIABLE, Lock
from edge_dassdp.wire.log import LinkLog
from edge_dassdp.wire.messages import (
    MESSAGES,
    NONCE_BYTES,
    PROTOCOL,
    STATUS_TEXTS,
    STATUSES,
    Message,
)

TIMEOUT_S = 2.0  # the first byte after power-on may take one second
RETRIES = 8
HELLO_PERIOD_S = 0.25  # bytes sent to a chip that still boots are lost, and HELLO may be repeated
RENEWAL = 1 << 15  # requests; a session has sequence numbers for twice as many
_OFFERS = 8  # how often another host may be faster to open what was offered
_REFUSALS = 3  # of an OPEN in a row, then the key is wrong; one may be of what others made of it


_REBUILD = "Build the firmware with this version of edge-dassdp and flash it again."


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

    check: raises EdgeError for a HELLO that is not to be believed, before a session begins.
    timeout_s: seconds to wait for each answer, above 0. retries: how often a request is repeated
    before E502. log: a file for what is sent and received, see `LinkLog`. lock: the key of a locked
    build; without it such a device lets read alone.
    """

    def __init__(self, port: Port, check: Callable[[Mapping[str, Any]], None] | None = None, *,
                 timeout_s: float = TIMEOUT_S, retries: int = RETRIES,
                 log: Path | None = None, lock: Lock | None = None) -> None:
        if timeout_s <= 0 or retries < 0:
            raise EdgeError("E105", f"timeout {timeout_s} s with {retries} retries is not possible",
                            help="give a timeout above 0 and 0 or more retries")
        self.n_frames = 0
        self.n_retries = 0
        self._port = port
        self._check = check
        self._timeout_s = timeout_s
        self._retries = retries
        self._decoder = FrameDecoder()
        self._n_strange = self._n_refused = 0
        self._id = 0
        self._sequence = 0
        self._unanswered: int | None = None
        self._asked = ""
        self._lost_ran: bool | None = None
        self._lock = lock
        self._is_locked = False
        self._nonce = b""
        self._log = LinkLog(log) if log else None

    @property
    def is_read_only(self) -> bool:
        """Whether the device is locked, as it greeted, and no key was given."""
        return self._is_locked and self._lock is None

    @property
    def is_open(self) -> bool:
        """Whether the device knows this session, as far as one can tell."""
        return self._id != 0

    @property
    def lost_request_ran(self) -> bool | None:
        """Whether the last request without an answer was carried out; None until the next call has
        found out."""
        return None if self._unanswered is not None else self._lost_ran

    def open(self) -> dict[str, Any]:
        """Begin a session; gives the fields of HELLO.

        Raises EdgeError E502 without an answer, E504 if the device speaks another protocol, E505 if
        other hosts keep taking it over, E509 if it is locked with another key than that given, or
        not at all.
        """
        self._lost_ran = False  # what is asked next is not sent before
        hello, _ = self._begin(0)
        self._lost_ran = None
        return hello

    def ask(self, name: str, *, extra_s: float = 0.0, **fields: Any) -> dict[str, Any]:
        """Have the request `name` carried out once; gives the fields of its response. extra_s: that
        carrying it out takes beyond what any request may; so long it is not repeated.

        Raises EdgeError E502 without an answer, E503 if the device refuses, E505 if it restarted,
        E104 if a field does not fit the message, E509 if it writes on a device that is locked and
        there is no key.
        """
        message = MESSAGES[name]
        try:
            payload = message.request.pack(**fields)
        except ValueError as problem:
            raise EdgeError("E104", f"{name} cannot carry these values",
                            cause=str(problem)) from None
        if self.is_read_only and message.is_write(fields):
            raise locked(name)
        self.settle()
        sequence = self._sequence + 1
        self._unanswered, self._asked = sequence, name
        response = self._exchange(message, self._id, sequence, payload, self._timeout_s,
                                  self._retries + 1, extra_s)
        if response.status == STATUSES["E_SESSION"]:
            raise self._lost()
        self._sequence = sequence
        self._unanswered = None
        return _unpack(name, response)

    def close(self) -> None:
        """Close port and log; harmless when repeated."""
        self._id = 0
        self._port.close()
        if self._log:
            self._log.close()
            self._log = None

    def settle(self) -> None:
        """Go on in a new session after a request without an answer, or after very many; else
        nothing. `lost_request_ran` is known then.

        No late copy of a request of the old session can run then. A piece of a sample alone runs
        nothing: it counts as not run, and the sample is sent again from its beginning.
        """
        is_in_sample = self._asked == "PUT_SAMPLE"
        if self._unanswered is None and (self._sequence < RENEWAL or is_in_sample):
            return
        self._lost_ran = False
        before, answered, unanswered = self._id, self._sequence, self._unanswered
        _, last = self._begin(before)
        ran = {answered: False, unanswered: True}.get(last["last_sequence"])
        if last["last_session"] != before or ran is None:
            raise self._lost()
        self._lost_ran = ran and not is_in_sample

    def _lost(self) -> EdgeError:
        self._id = 0
        self._unanswered = self._lost_ran = None
        return EdgeError(
            "E505", "the device restarted or another host took it over",
            cause="it does not know this session any more",
            help="Its weights may be the factory's: restore a snapshot, or reset it, and go on.")

    def _begin(self, resumes: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Open the session that the device offers; gives the fields of HELLO and OPEN.

        What is known of the session before stays until the device has answered.
        """
        for _ in range(_OFFERS):
            host = secrets.randbelow(0xFFFFFFFF) + 1
            fields = self._look(host)
            if self._check:
                self._check(fields)
            self._is_locked = bool(fields["locked"])
            if self._lock and not self._is_locked:
                raise EdgeError("E509", "this board is not locked",
                                cause="its firmware was built without a key, and anybody may "
                                      "change what it learns",
                                help="Build it with --lock KEYFILE and flash it again, or leave "
                                     f"--lock out and {VARIABLE} unset.")
            last = self._greet("OPEN", host, session=fields["offer"], resumes=resumes)
            if last.status == STATUSES["OK"]:
                opened = _unpack("OPEN", last)
                self._nonce = _nonce_of(opened, self._lock is not None)
                self._id, self._sequence, self._unanswered = fields["offer"], 0, None
                self._asked = ""
                return fields, opened
        raise self._lost()

    def look(self) -> dict[str, Any]:
        """The fields of HELLO, which begins nothing. Raises EdgeError E502 or E504 as `open`."""
        return self._look(secrets.randbelow(0xFFFFFFFF) + 1)

    def _look(self, host: int) -> dict[str, Any]:
        hello = self._greet("HELLO", host)
        if hello.status == STATUSES["OK"] and hello.payload[:1] != bytes([PROTOCOL]):
            raise _foreign(hello.payload)
        return _unpack("HELLO", hello)

    def _greet(self, name: str, host: int, **fields: Any) -> Response:
        """A message that opens a session, as often as fits into the time of any other request."""
        message = MESSAGES[name]
        total_s = self._timeout_s * (self._retries + 1)
        period_s = min(HELLO_PERIOD_S, self._timeout_s)
        return self._exchange(message, host, 0, message.request.pack(**fields), period_s,
                              math.ceil(total_s / period_s))

    def _sign(self, message: Message) -> Callable[[bytes], bytes] | None:
        """What makes the tag of a request, None where it bears none."""
        if self._lock is None or message.name == "HELLO":
            return None
        return partial(self._lock.tag, nonce=b"" if message.opens else self._nonce)

    def _exchange(self, message: Message, session: int, sequence: int, payload: bytes,
                  timeout_s: float, n_attempts: int, extra_s: float = 0.0) -> Response:
        sign = self._sign(message)
        frame = encode_request(message.kind, session, sequence, payload, sign)
        n_refused = self._n_refused
        for attempt in range(n_attempts):
            wait_s = timeout_s if attempt else timeout_s + extra_s
            self._set_timeout(wait_s)
            self.n_retries += attempt > 0
            self.n_frames += 1
            self._write(frame)
            response = self._wait((message.kind, session, sequence), sign is not None,
                                  time.monotonic() + wait_s)
            if response is not None:
                return response
            if message.opens and self._n_refused > n_refused and attempt + 1 >= _REFUSALS:
                raise _another_key()
        raise EdgeError(
            "E502", "the device does not answer",
            cause=f"{n_attempts} attempts of {timeout_s:g} s each; "
                  f"{self._decoder.n_bad} damaged and {self._decoder.n_good} good frames received, "
                  f"{self._n_strange} of them no answer to what was asked",
            help="Check power, port, baud rate and that the firmware was flashed. If it was "
                 "learning, statistics().n_labelled tells whether the sample was learned.")

    def _wait(self, to: tuple[int, int, int], is_signed: bool,
              deadline_s: float) -> Response | None:
        """The response to this very request, or None when the time is over; others are dropped. So
        is, of a signed one, that it is not: the device says so to whoever changed or made it up.
        to: its kind, session and sequence.
        """
        n_bytes = MIN_RESPONSE_FRAME_BYTES
        while data := self._read(n_bytes):
            for body in list(self._decoder.feed(data)):
                response = _parsed(body)
                if response and (response.kind, response.session, response.sequence) == to:
                    if not is_signed or response.status != STATUSES["E_LOCKED"]:
                        return response
                    self._n_refused += 1
                self._n_strange += 1
            if time.monotonic() > deadline_s:
                break
            n_bytes = 1
        return None

    def _set_timeout(self, timeout_s: float) -> None:
        """A port that is gone may not take one."""
        try:
            if self._port.timeout != timeout_s:
                self._port.timeout = timeout_s
        except OSError as problem:
            raise _gone(problem) from None

    def _write(self, frame: bytes) -> None:
        if self._log:
            self._log.sent(frame)
        try:
            self._port.write(frame)
        except OSError as problem:
            raise _gone(problem) from None

    def _read(self, n_bytes: int) -> bytes:
        try:
            data = self._port.read(max(n_bytes, self._port.in_waiting))
        except OSError as problem:
            raise _gone(problem) from None
        if data and self._log:
            self._log.received(data)
        return data


def locked(what: str) -> EdgeError:
    """The refusal of what a locked board does for who has its key alone."""
    return EdgeError("E509", "this board is locked: --lock KEYFILE",
                     cause=f"{what} changes what it has learned, and its firmware lets only who "
                           "has the key that it was built with do so",
                     help=f"Give --lock KEYFILE (lock= in Python), or set {VARIABLE}. Without it "
                          "the board classifies and can be read.")


def _another_key() -> EdgeError:
    return EdgeError("E509", "the key is not that of this board",
                     cause="its firmware was built with another one",
                     help="Give the --lock KEYFILE that it was built with, or build it with this "
                          "one and flash it again.")


def _nonce_of(opened: Mapping[str, Any], is_signed: bool) -> bytes:
    """What the tags of a session cover. Raises EdgeError E504 where the device gives none, or one
    that was not asked for."""
    nonce: bytes = opened["nonce"]
    if len(nonce) != NONCE_BYTES * is_signed:
        raise EdgeError("E504", "the device answered OPEN in another format",
                        cause=f"a number of {len(nonce)} bytes for its session", help=_REBUILD)
    return nonce


def _foreign(payload: bytes) -> EdgeError:
    spoken = payload[0] if payload else "none"
    return EdgeError("E504", f"the device speaks protocol {spoken}, this tool {PROTOCOL}",
                     help=_REBUILD)


def _gone(problem: OSError) -> EdgeError:
    return EdgeError("E502", "the port was closed while in use", cause=str(problem),
                     help="Plug the device in again and connect anew.")


def _parsed(body: bytes) -> Response | None:
    try:
        return parse_response(body)
    except FrameError:
        return None


def _unpack(name: str, response: Response) -> dict[str, Any]:
    """The fields of an answer to `name`. Raises EdgeError E503 for a refusal, E504 for what is no
    answer."""
    status = response.status
    if status not in STATUS_TEXTS:
        raise EdgeError("E504", f"the device answered {name} with status {status}, which is none "
                        f"of protocol {PROTOCOL}", help=_REBUILD)
    if status != STATUSES["OK"]:
        raise EdgeError("E503", f"the device refused {name}: {STATUS_TEXTS[status]}",
                        cause=f"status {status}",
                        help="Until then it runs nothing." if status == STATUSES["E_HELD"]
                        else "No weight was changed; go on.")
    try:
        return MESSAGES[name].response.unpack(response.payload)
    except ValueError as problem:
        raise EdgeError("E504", f"the device answered {name} in another format",
                        cause=str(problem), help=_REBUILD) from None
