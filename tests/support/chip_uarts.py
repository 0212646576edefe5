"""UARTs of chips, register by register: what their drivers write and read, and when they interrupt.

`receive` puts a byte where the wire does, if there is room; `sent` holds what went out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque


class Uart(ABC):
    """n_held: bytes that wait to be read, none of them lost: the wire waits, too."""

    n_held = 1

    def __init__(self) -> None:
        self.registers: dict[int, int] = {}
        self.waiting: deque[int] = deque()
        self.sent = bytearray()

    def reg(self, offset: int) -> int:
        return self.registers.get(offset, 0)

    def receive(self, byte: int) -> bool:
        """Whether there was room."""
        has_room = self.receives and len(self.waiting) < self.n_held
        if has_room:
            self.waiting.append(byte)
        return has_room

    @property
    @abstractmethod
    def receives(self) -> bool:
        """Whether it is turned on."""

    @property
    @abstractmethod
    def interrupts(self) -> bool:
        """Whether its interrupt is pending."""

    @abstractmethod
    def read(self, offset: int) -> int:
        """A register, as the core reads it."""

    @abstractmethod
    def write(self, offset: int, value: int) -> None:
        """A register, as the core writes it."""

    def take(self) -> int:
        return self.waiting.popleft() if self.waiting else 0


class Stm32V1(Uart):
    """USART of F1 and F4 (RM0008, RM0090): SR, DR, BRR, CR1."""

    SR, DR, BRR, CR1 = 0x00, 0x04, 0x08, 0x0C
    UE, TE, RE, RXNEIE = 1 << 13, 1 << 3, 1 << 2, 1 << 5
    RXNE, TC, TXE = 1 << 5, 1 << 6, 1 << 7

    def _is(self, bits: int) -> bool:
        return self.reg(self.CR1) & bits == bits and self.reg(self.BRR) >= 16

    @property
    def receives(self) -> bool:
        return self._is(self.UE | self.RE)

    @property
    def interrupts(self) -> bool:
        return self._is(self.UE | self.RE | self.RXNEIE) and bool(self.waiting)

    def _status(self) -> int:
        return self.TC | self.TXE | (self.RXNE if self.waiting else 0)

    def read(self, offset: int) -> int:
        if offset == self.SR:
            return self._status()
        return self.take() if offset == self.DR else self.reg(offset)

    def write(self, offset: int, value: int) -> None:
        if offset == self.DR and self._is(self.UE | self.TE):
            self.sent.append(value & 0xFF)
        self.registers[offset] = value


class Stm32V2(Stm32V1):
    """USART of all newer families (RM0351): CR1, BRR, ISR, ICR, RDR, TDR. BRR and what CR1 says of
    frames are taken while UE is 0."""

    CR1, BRR, ISR, RDR, TDR = 0x00, 0x0C, 0x1C, 0x24, 0x28
    UE, REACK, TEACK = 1 << 0, 1 << 22, 1 << 21

    def read(self, offset: int) -> int:
        if offset == self.ISR:
            return (self._status() | (self.REACK if self._is(self.UE | self.RE) else 0)
                    | (self.TEACK if self._is(self.UE | self.TE) else 0))
        return self.take() if offset == self.RDR else self.reg(offset)

    def write(self, offset: int, value: int) -> None:
        if offset == self.BRR and self.reg(self.CR1) & self.UE:
            return
        if offset == self.TDR and self._is(self.UE | self.TE):
            self.sent.append(value & 0xFF)
        self.registers[offset] = value


class Pl011(Uart):
    """Arm DDI 0183: FIFO of 16, its interrupt at the level of IFLS, the timeout's at any byte."""

    DR, FR, IBRD, FBRD, LCRH, CR, IFLS, IMSC, RIS, MIS = (0x00, 0x18, 0x24, 0x28, 0x2C, 0x30, 0x34,
                                                          0x38, 0x3C, 0x40)
    LEVELS = (2, 4, 8, 12, 14)

    def __init__(self) -> None:
        super().__init__()
        self.registers = {self.CR: 0x300, self.IFLS: 0x12}
        self.divider = 0

    @property
    def n_held(self) -> int:  # type: ignore[override]
        return 16 if self.reg(self.LCRH) & 0x10 else 1

    def _is(self, bits: int) -> bool:
        return (self.reg(self.CR) & (1 | bits) == 1 | bits and self.divider >= 64
                and self.reg(self.LCRH) & 0x60 == 0x60)

    @property
    def receives(self) -> bool:
        return self._is(0x200)

    @property
    def interrupts(self) -> bool:
        return bool(self._raw() & self.reg(self.IMSC))

    def _raw(self) -> int:
        level = self.LEVELS[min(self.reg(self.IFLS) >> 3 & 7, 4)] if self.n_held > 1 else 1
        return (0x10 if len(self.waiting) >= level else 0) | (0x40 if self.waiting else 0)

    def read(self, offset: int) -> int:
        if offset == self.FR:
            return 0x80 | (0 if self.waiting else 0x10) | (
                0x40 if len(self.waiting) >= self.n_held else 0)
        if offset in (self.RIS, self.MIS):
            return self._raw() & (self.reg(self.IMSC) if offset == self.MIS else 0xFF)
        return self.take() if offset == self.DR else self.reg(offset)

    def write(self, offset: int, value: int) -> None:
        if offset == self.DR and self._is(0x100):
            self.sent.append(value & 0xFF)
        self.registers[offset] = value
        if offset == self.LCRH:
            self.divider = self.reg(self.IBRD) << 6 | self.reg(self.FBRD)


class Nrf(Uart):
    """UART of nRF51 and nRF52 without DMA: tasks, events, a FIFO of six bytes. Reading RXD
    brings the next byte and its event."""

    STARTRX, STARTTX, RXDRDY, TXDRDY, INTENSET, INTENCLR, ENABLE, RXD, TXD, BAUDRATE = (
        0x000, 0x008, 0x108, 0x11C, 0x304, 0x308, 0x500, 0x518, 0x51C, 0x524)
    n_held = 6

    def __init__(self) -> None:
        super().__init__()
        self.registers = {self.BAUDRATE: 0x0400_0000}
        self.started: set[int] = set()
        self.enabled = 0

    @property
    def is_on(self) -> bool:
        return self.reg(self.ENABLE) & 0xF == 4

    @property
    def receives(self) -> bool:
        return self.is_on and self.STARTRX in self.started

    @property
    def interrupts(self) -> bool:
        return self.is_on and bool(self.reg(self.RXDRDY) and self.enabled & 1 << 2)

    def receive(self, byte: int) -> bool:
        has_room = super().receive(byte)
        if has_room and len(self.waiting) == 1:
            self.registers[self.RXDRDY] = 1
        return has_room

    def read(self, offset: int) -> int:
        if offset == self.RXD:
            byte = self.take()
            self.registers[self.RXDRDY] = int(bool(self.waiting) or bool(self.reg(self.RXDRDY)))
            return byte
        return self.reg(offset)

    def write(self, offset: int, value: int) -> None:
        if offset in (self.STARTRX, self.STARTTX) and value & 1 and self.is_on:
            self.started.add(offset)
        elif offset == self.INTENSET:
            self.enabled |= value
        elif offset == self.INTENCLR:
            self.enabled &= ~value
        elif offset == self.TXD and self.is_on and self.STARTTX in self.started:
            self.sent.append(value & 0xFF)
            self.registers[self.TXDRDY] = 1
        else:
            self.registers[offset] = value


UARTS: dict[str, type[Uart]] = {"stm32_v1": Stm32V1, "stm32_v2": Stm32V2, "pl011": Pl011,
                                "nrf": Nrf}
