"""Firmware in QEMU as a Target, reached over the board's own UART."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.build.compile import Firmware
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.qemu.process import ENDING_S, QemuProcess
from edge_dassdp.targets.target import Outcome

COUNTER_BITS = 32


class Qemu(LinkTarget):
    """A firmware running in QEMU as a Target: `Qemu.start(network, firmware)`.

    Ticks of its outcomes are instructions if it counts, else None.
    """

    def __init__(self, *args: Any, process: QemuProcess, **options: Any) -> None:
        self._process = process
        try:
            super().__init__(*args, **options)
        except BaseException:
            with process:
                process.check(ENDING_S)
            raise
        self.name = f"qemu:{process.machine.machine}"

    @classmethod
    def start(cls, network: QNetwork, firmware: Firmware, *, count: bool = False,
              **options: Any) -> Self:
        """Start `firmware`, which was built from `network`; options as for LinkTarget.

        Raises EdgeError E103 if the firmware was damaged, E301 without QEMU, E302 if it refuses
        to start, E401 if the board has no machine, E502 if nothing answers, E504 if the firmware
        is of another network.
        """
        firmware.check()
        process = QemuProcess(firmware.elf, firmware.board, count=count)
        return cls.of(network, process.uart, build_hash=firmware.build_hash, process=process,
                      **options)

    def _run(self, name: str, x: NDArray[np.int8], digest: bool, **fields: Any) -> Outcome:
        outcome = super()._run(name, x, digest, **fields)
        return replace(outcome, forward_ticks=self._instructions(outcome.forward_ticks),
                       learn_ticks=self._instructions(outcome.learn_ticks))

    def _instructions(self, ticks: int | None) -> int | None:
        """None, too, where QEMU offers the board only a counter that wraps within a sample."""
        if ticks is None or self.info.tick_bits < COUNTER_BITS:
            return None
        return self._process.instructions(ticks)

    def press_reset(self) -> None:
        """Restart the firmware: learned weights are lost, the next request raises E505."""
        self._process.reset()

    def cut_power(self, seed: int = 0) -> None:
        """Cut the power and give it back: what is not in flash is lost, the next request raises
        E505."""
        self._process.cut_power(seed)

    def close(self) -> None:
        super().close()
        self._process.close()
