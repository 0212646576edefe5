"""A store of a board.toml by the names of the chip: peripheral.register: field = value (meaning),
and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_dassdp.build.description import WORD, Store
from edge_dassdp.chips.chip import Chip, Field, Peripheral, Register
from edge_dassdp.chips.core import CORE, FIRST

_ALIASES = {0x1000: "toggle", 0x2000: "set", 0x3000: "clear"}
"""Where the RP2040 and RP2350 have each register again, for some of its bits."""
ALIASED = range(0x4000_0000, 0x6000_0000)
"""The addresses that they have so."""


@dataclass(frozen=True)
class Named:
    """text: what a store does, or an address is. objections: what is wrong with it, in words.
    notes: what may be wrong."""

    text: str
    objections: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A register and how it is reached there. verb: of its alias, empty for the register itself."""

    peripheral: Peripheral
    register: Register
    verb: str = ""

    @property
    def name(self) -> str:
        return f"{self.peripheral.name}.{self.register.name}"


def places(chip: Chip, address: int) -> tuple[Place, ...]:
    """The registers at an address, in the order of the chip's file."""
    known = CORE if address >= FIRST else chip
    found = [Place(p, r) for p, r in known.by_address.get(address, ())]
    bits = address & 0x3000
    if not found and bits and address in ALIASED and chip.name.upper().startswith("RP2"):
        found = [Place(p, r, _ALIASES[bits])
                 for p, r in known.by_address.get(address & ~0x3000, ())]
    return tuple(found)


def named_address(chip: Chip, address: int) -> Named:
    """The register that is read or written at an address."""
    found = places(chip, address)
    return Named(found[0].name) if found else _nowhere(chip, address)


def named_flags(chip: Chip, address: int, mask: int) -> Named:
    """The fields of a register that a mask takes, all of each."""
    found = places(chip, address)
    if not found:
        return _nowhere(chip, address)
    register = found[0].register
    taken = [f for f in _sorted(register) if f.mask & mask]
    objections = [f"the mask takes only a part of {f.name}" for f in taken if f.mask & ~mask]
    if mask != WORD and mask & ~register.covered:
        objections.append(f"bits 0x{mask & ~register.covered:X} are reserved")
    return Named(" ".join(f.name for f in taken) or "none", tuple(objections))


def named_store(chip: Chip, store: Store) -> Named:
    """What a store does. Where registers share an address, that to which least is objected."""
    found = places(chip, store.address)
    if not found:
        return _nowhere(chip, store.address)
    return min((_named(place, store) for place in found), key=lambda named: len(named.objections))


def _nowhere(chip: Chip, address: int) -> Named:
    return Named(f"0x{address:08X}", (f"no register of {chip.name} is at 0x{address:08X}",))


def _sorted(register: Register) -> list[Field]:
    return sorted(register.fields, key=lambda f: f.lsb)


def _named(place: Place, store: Store) -> Named:
    verb = "wait until " if store.wait else f"{place.verb} " if place.verb else ""
    told = ", ".join(_told(place, store)) or "0"
    is_whole = all(not f.mask & store.mask or not f.mask & ~store.mask
                   for f in place.register.fields) and place.register.fields
    mask = "" if store.mask == WORD or is_whole else f" of 0x{store.mask:X}"
    return Named(f"{verb}{place.name}: {told}{mask}", tuple(_objections(place, store)),
                 tuple(_notes(place.register, store)))


def _told(place: Place, store: Store) -> Iterator[str]:
    """Each field that the store sets, asks for, or writes another value to than that after reset;
    bits of none at last."""
    register = place.register
    for one in _sorted(register):
        value, reset = one.of(store.value), one.of(register.reset)
        is_whole = store.mask == WORD
        is_left = is_whole and not value and (place.verb or not reset)
        if not one.mask & store.mask or (is_left and len(register.fields) > 1):
            continue
        if place.verb:
            yield one.name if one.width == 1 else f"{one.name} 0x{value:X}"
            continue
        meaning = f" ({one.meanings[value]})" if value in one.meanings else ""
        yield f"{one.name} = {_value(value, one.width)}{meaning}"
    rest = store.value & ~register.covered if register.fields else store.value
    if rest or (not register.fields and not store.value):
        yield f"bits 0x{rest:X}" if register.fields else f"0x{rest:X}"


def _value(value: int, width: int) -> str:
    return str(value) if width <= 8 else f"0x{value:X}"


def _objections(place: Place, store: Store) -> Iterator[str]:
    register, is_all = place.register, store.mask == WORD
    if store.wait:
        if not register.is_read:
            yield "it waits for what cannot be read"
    elif not register.is_written:
        yield "it cannot be written"
    for one in register.fields:
        if one.mask & store.mask:
            yield from _of_field(one, place, store)
    reserved = store.value & ~register.covered
    if reserved and not (is_all and store.value == WORD):
        yield f"it sets bits 0x{reserved:X}, which are reserved"
    elif not is_all and store.mask & ~register.covered:
        yield f"the mask takes bits 0x{store.mask & ~register.covered:X}, which are reserved"
    if not store.mask:
        yield "the mask takes no bit"


def _notes(register: Register, store: Store) -> Iterator[str]:
    """Fields that the mask takes beside what is set: they are clear after a reset and stay so."""
    if store.wait or store.mask == WORD or not store.value:
        return
    for one in register.fields:
        if one.mask & store.mask and one.width == 1 and \
                not one.mask & (store.value | register.reset):
            yield f"the mask takes {one.name}, which is clear after a reset"


def _of_field(one: Field, place: Place, store: Store) -> Iterator[str]:
    """What is wrong with what a store does to a field that its mask takes."""
    value = one.of(store.value)
    if one.mask & ~store.mask:
        if one.meanings or not store.wait:  # a wait may ask for one of many bits
            yield f"the mask takes only a part of {one.name}"
    elif one.meanings and value not in one.meanings and not place.verb and \
            not _is_untouched(one, place, store):
        yield f"{one.name} has no value {value}"
    if not store.wait and not one.is_written and place.register.is_written and \
            (value or store.mask != WORD):
        yield f"{one.name} cannot be written"


def _is_untouched(one: Field, place: Place, store: Store) -> bool:
    """Whether a whole word leaves a field as reset leaves it, or clear, or sets every bit."""
    value = one.of(store.value)
    reset = one.of(place.register.reset)
    return store.mask == WORD and (store.value == WORD or value in (0, reset))
