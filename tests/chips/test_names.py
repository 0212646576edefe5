"""What a store does, by the names of the chip, and what is objected to."""

from __future__ import annotations

import pytest
from support.chip_facts import FACTS

from edge_dassdp.build.description import Store
from edge_dassdp.chips.names import named_flags, named_store
from edge_dassdp.chips.svd import read_svd

F4, NRF, PICO = "stm32f4", "nrf52840", "rp2040"
CHIPS = {name: read_svd(FACTS / f"{name}.svd") for name in (F4, NRF, PICO)}
WORD = 0xFFFF_FFFF
DONE = {
    (F4, 0x4002_3830, 1, 1): "RCC.AHB1ENR: GPIOAEN = 1",
    (F4, 0x4002_0000, 0xA0, 0xF0): "GPIOA.MODER: MODER2 = 2 (Alternate), MODER3 = 2 (Alternate)",
    (F4, 0xE000_EDFC, 1 << 24, 1 << 24): "DCB.DEMCR: TRCENA = 1",
    (NRF, 0x4000_2524, 0x01D7_E000, WORD): "UART0.BAUDRATE: BAUDRATE = 0x1D7E000 (Baud115200)",
    (NRF, 0x5000_0720, 0, WORD): "P0.PIN_CNF8: INPUT = 0 (Connect)",
    (NRF, 0x4000_0558, 0x5A, WORD): "APPROTECT.DISABLE: DISABLE = 90 (SwDisable)",
    (PICO, 0x4000_F000, 0x120, WORD): "clear RESETS.RESET: IO_BANK0, PADS_BANK0"}


@pytest.mark.parametrize(("chip", "address", "value", "mask"), DONE,
                         ids=[text.partition(":")[0] for text in DONE.values()])
def test_a_store_by_its_names(chip: str, address: int, value: int, mask: int) -> None:
    named = named_store(CHIPS[chip], Store(address, value, mask))
    assert named.text == DONE[chip, address, value, mask]
    assert not named.objections and not named.notes


WRONG = {
    "no register": (F4, Store(0x4002_38FC, 1), "no register of STM32F4 is at 0x400238FC"),
    "reserved bit": (F4, Store(0x4002_3830, 1 << 11, 1 << 11), "bits 0x800, which are reserved"),
    "reserved bit of a word": (F4, Store(0x4002_3830, 1 << 11), "bits 0x800, which are reserved"),
    "reserved bit of a mask": (F4, Store(0x4002_3830, 1, 0x801), "bits 0x800, which are reserved"),
    "part of a field": (F4, Store(0x4002_0000, 0x80, 0x80), "only a part of MODER3"),
    "read-only register": (F4, Store(0x4002_0010, 1), "cannot be written"),
    "read-only field": (F4, Store(0x4002_3800, 2, 2), "HSIRDY cannot be written"),
    "no meaning": (NRF, Store(0x4000_2524, 0x01D7_E001), "BAUDRATE has no value 30924801"),
    "no meaning of bits": (NRF, Store(0x4000_0558, 0x5B), "DISABLE has no value 91"),
    "waits for what is write-only": (F4, Store(0x4000_0014, 1, 1, True), "cannot be read"),
    "nothing": (F4, Store(0x4002_3830, 0, 0), "takes no bit"),
    "core, reserved": (F4, Store(0xE000_E010, 8, 8), "bits 0x8, which are reserved"),
    "core, no register": (F4, Store(0xE000_E100, 1), "is at 0xE000E100"),
    "a key": (F4, Store(0xE000_1FB0, 0xC5AC_CE54), "KEY has no value")}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_objected_to(name: str) -> None:
    chip, store, words = WRONG[name]
    assert any(words in why for why in named_store(CHIPS[chip], store).objections)


def test_a_mask_that_takes_more_than_it_sets_is_noted() -> None:
    named = named_store(CHIPS[F4], Store(0x4002_3830, 1, 3))
    assert named.notes == ("the mask takes GPIOBEN, which is clear after a reset",)
    assert not named.objections


def test_flags_of_a_register() -> None:
    assert named_flags(CHIPS[F4], 0x4002_3874, 0x6000_0000).text == "IWDGRSTF WWDGRSTF"
    assert named_flags(CHIPS[F4], 0x4002_3874, 1 << 20).objections
