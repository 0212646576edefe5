"""Each board's own ELF file on a model of its chip, made from its makers' documents alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import chip_facts, modm
from support.chips import CHIPS, Chip
from support.devices import firmware, learn_alike, network, samples
from support.unicorn_board import UnicornBoard

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import list_boards, load_board
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.reference import ReferenceTarget

pytestmark = pytest.mark.usefixtures("arm_toolchain")
KIND = "error"
BOARDS = [name for name in list_boards() if name in CHIPS]
ELSEWHERE = 0x4000_F000
"""Where no chip here has a UART."""


def talk_to(name: str, chip: Chip) -> LinkTarget:
    """The firmware of a board on a chip. Raises EdgeError E502 if it is silent."""
    made = firmware(load_board(name), KIND)
    return LinkTarget.of(network(KIND), UnicornBoard(made.elf, chip), build_hash=made.build_hash,
                         timeout_s=0.01, retries=1)


def test_every_board_is_here_but_those_of_arm() -> None:
    """Arm's FPGA images are machines of QEMU, and have no other maker."""
    assert {name for name in list_boards() if not name.startswith("mps")} == set(BOARDS)


@pytest.mark.parametrize("name", modm.CHIPS)
def test_the_facts_are_those_of_a_second_source(name: str) -> None:
    facts, known = CHIPS[name], modm.device(name)
    [usart] = {peripheral.name for peripheral in chip_facts.chip(name).based_at(facts.base)}
    assert known.interrupts[usart] == facts.irq
    assert facts.ram[0] + facts.ram[1] <= known.ram_end(facts.ram[0])
    assert facts.flash[1] == sum(size for memory, (_, size) in known.memory.items()
                                 if memory in ("flash", "flash1", "flash2", "flash_ns"))


class Hasty(UnicornBoard):
    """A host that repeats every frame at once: it comes in while the first is carried out."""

    def write(self, data: bytes, /) -> int:
        return super().write(data + data) // 2


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("kind", [UnicornBoard, Hasty])
def test_three_samples_are_learned_as_by_the_reference(name: str,
                                                       kind: type[UnicornBoard]) -> None:
    made = firmware(load_board(name), KIND)
    board = kind(made.elf, CHIPS[name])
    reference = ReferenceTarget(network(KIND))
    with LinkTarget.of(network(KIND), board, build_hash=made.build_hash) as device:
        for x, label in zip(*samples(3), strict=True):
            assert learn_alike(reference, device, x, label).learn_ticks, "the counter counts"
        figures = device.statistics()
        assert device.link_retries == 0
    assert figures.n_updates > 0 and figures.rx_lost == 0
    assert board.n_interrupts > 0


def silent(name: str, chip: Chip) -> bool:
    with pytest.raises(EdgeError) as caught:
        talk_to(name, chip)
    return caught.value.code == "E502"


@pytest.mark.parametrize("name", BOARDS)
def test_another_interrupt_or_uart_is_silence(name: str) -> None:
    chip = CHIPS[name]
    assert silent(name, replace(chip, irq=chip.irq + 1))
    assert silent(name, replace(chip, irq=chip.irq - 1))
    assert silent(name, replace(chip, base=ELSEWHERE))


@pytest.mark.parametrize("name", BOARDS)
def test_each_gate_and_pin_is_needed(name: str) -> None:
    """Wired otherwise in any one bit field, nothing comes through."""
    chip = CHIPS[name]
    for number, bits in enumerate(chip.connected):
        others = tuple(value for value in range(1 << min(bits.n, 6)) if value not in bits.values)
        wired = [*chip.connected]
        wired[number] = replace(bits, values=others)
        assert silent(name, replace(chip, connected=tuple(wired))), bits


@pytest.mark.parametrize("name", BOARDS)
def test_memory_that_is_not_there_is_found(name: str) -> None:
    """Less flash, and RAM elsewhere."""
    chip = CHIPS[name]
    with pytest.raises(AssertionError, match="not in flash"):
        talk_to(name, replace(chip, flash=(chip.flash[0], 0x1000)))
    with pytest.raises(AssertionError, match="a fault"):
        talk_to(name, replace(chip, ram=(chip.ram[0] + 0x10_0000, chip.ram[1])))
