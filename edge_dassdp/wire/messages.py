"""The table of messages, codegen/messages.toml, as Python: layouts, kinds, statuses, limits."""

from __future__ import annotations

import struct
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edge_dassdp.base.assets import folder

_CODES = {"u8": "B", "u16": "H", "u32": "I", "i8": "b", "i16": "h", "i32": "i"}
_OPEN_ENDS = ("sample", "logits", "chunk", "nonce")


@dataclass(frozen=True)
class Payload:
    """Fields of a payload, little endian, without gaps.

    names, codes: of the fixed fields, codes as in `struct`. open_name: of the open end, "" without
    one. open_kind: "sample", "logits", "chunk", "nonce" or "".
    """

    prefix: str
    names: tuple[str, ...]
    codes: tuple[str, ...]
    open_name: str = ""
    open_kind: str = ""

    @cached_property
    def packing(self) -> struct.Struct:
        return struct.Struct("<" + "".join(self.codes))

    @property
    def n_bytes(self) -> int:
        """Size without the open end."""
        return self.packing.size

    def offsets(self, start: int) -> list[tuple[str, int]]:
        """Offset of every field, the open end included, when the layout begins at `start`."""
        sizes = [struct.calcsize("<" + code) for code in self.codes]
        named = [(name, start + sum(sizes[:i])) for i, name in enumerate(self.names)]
        return named + ([(self.open_name, start + self.n_bytes)] if self.open_name else [])

    def pack(self, **values: Any) -> bytes:
        """Payload of these fields: each one, and no other. Raises ValueError when one does not fit.
        """
        end = values.pop(self.open_name) if self.open_name else b""
        if set(values) != set(self.names):
            raise ValueError(f"fields {sorted(values)} are not {sorted(self.names)}")
        try:
            return self.packing.pack(*(values[name] for name in self.names)) + end
        except struct.error as problem:
            raise ValueError(str(problem)) from None

    def unpack(self, payload: bytes) -> dict[str, Any]:
        """Fields by name, the open end as bytes. Raises ValueError on a wrong size."""
        size = self.packing.size
        if len(payload) < size or (len(payload) > size and not self.open_name):
            raise ValueError(f"{len(payload)} bytes, expected {size}")
        fields = dict(zip(self.names, self.packing.unpack_from(payload), strict=True))
        if self.open_name:
            fields[self.open_name] = payload[size:]
        return fields


@dataclass(frozen=True)
class Message:
    """A kind of request and what answers it. opens: it is asked outside of any session.
    needs_whole: it is refused while what is learned is half written. writes: what a locked build
    wants signed, True or False for all of its kind, or the name of the u8 field that is not 0 then.
    """

    name: str
    kind: int
    request: Payload
    response: Payload
    opens: bool
    needs_whole: bool
    writes: bool | str

    def is_write(self, fields: Mapping[str, Any]) -> bool:
        """Whether the request with these fields writes."""
        return bool(fields[self.writes]) if isinstance(self.writes, str) else self.writes


def _layout(prefix: str, fields: list[str], name_bytes: int) -> Payload:
    names: list[str] = []
    codes: list[str] = []
    open_name = open_kind = ""
    for field in fields:
        name, kind = field.split(":")
        if open_name:
            raise ValueError(f"{prefix}: {name} follows the open end {open_name}")
        if kind in _OPEN_ENDS:
            open_name, open_kind = name, kind
            continue
        names.append(name)
        codes.append(f"{name_bytes}s" if kind == "name" else _CODES.get(kind, kind))
    return Payload(prefix, tuple(names), tuple(codes), open_name, open_kind)


def _load_table() -> dict[str, Any]:
    return tomllib.loads((folder("codegen") / "messages.toml").read_text(encoding="utf-8"))


def _load_messages(table: dict[str, Any]) -> dict[str, Message]:
    name_bytes = table["limits"]["name_bytes"]
    shared = {name: _layout(name.upper(), fields, name_bytes)
              for name, fields in table["layouts"].items()}

    def layout(entry: dict[str, Any], side: str) -> Payload:
        fields = entry[side]
        if isinstance(fields, str):
            return shared[fields]
        return _layout(f"{entry['name']}_{side.upper()}", fields, name_bytes)

    return {entry["name"]: Message(entry["name"], entry["kind"], layout(entry, "request"),
                                   layout(entry, "response"), entry.get("opens", False),
                                   entry.get("needs_whole", False),
                                   entry.get("writes", not entry.get("opens", False)))
            for entry in table["message"]}


_TABLE = _load_table()
LIMITS: dict[str, int] = _TABLE["limits"]

PROTOCOL: int = LIMITS["protocol"]
CHUNK_BYTES: int = LIMITS["chunk_bytes"]
NAME_BYTES: int = LIMITS["name_bytes"]
IDLE_STEPS: int = LIMITS["idle_steps"]
KEY_BYTES: int = LIMITS["key_bytes"]
TAG_BYTES: int = LIMITS["tag_bytes"]
NONCE_BYTES: int = LIMITS["nonce_bytes"]
POOL_BYTES: int = LIMITS["pool_bytes"]
RESPONSE_BIT: int = LIMITS["response_bit"]
FLAGS: dict[str, int] = _TABLE["flags"]
RUNTIME_STATUSES: list[dict[str, Any]] = _TABLE["runtime_status"]
LINK_STATUSES: list[dict[str, Any]] = _TABLE["link_status"]
STATUSES: dict[str, int] = {s["name"]: s["value"] for s in RUNTIME_STATUSES + LINK_STATUSES}
STATUS_TEXTS: dict[int, str] = {s["value"]: s["text"] for s in RUNTIME_STATUSES + LINK_STATUSES}
MESSAGES: dict[str, Message] = _load_messages(_TABLE)
REQUEST_HEADER = _layout("REQUEST_HEADER", _TABLE["header"]["request"], NAME_BYTES)
RESPONSE_HEADER = _layout("RESPONSE_HEADER", _TABLE["header"]["response"], NAME_BYTES)
