"""How a device's firmware came to run, as its HELLO tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge_dassdp.base.quantities import QUANTITIES

_CAUSES = {QUANTITIES["cause_unknown"]: "unknown", QUANTITIES["cause_power"]: "power",
           QUANTITIES["cause_pin"]: "pin", QUANTITIES["cause_software"]: "software",
           QUANTITIES["cause_watchdog"]: "watchdog", QUANTITIES["cause_fault"]: "fault",
           QUANTITIES["cause_damaged"]: "damaged", QUANTITIES["cause_faulting"]: "faulting"}
_FAULT, _FAULTING = QUANTITIES["cause_fault"], QUANTITIES["cause_faulting"]
_CAUSES |= dict.fromkeys(range(_FAULT, _FAULTING), "fault")
_TEXTS = {"unknown": "for a reason that the chip does not tell", "power": "when power came",
          "pin": "by its reset pin", "software": "by software or a debugger",
          "watchdog": "by its watchdog: the firmware hung", "fault": "after a fault",
          "damaged": "with a damaged flash",
          "faulting": f"after {_FAULTING - _FAULT + 1} faults in a row without an answer between"}
_FAULTS = {0: "its main returned", 2: "NMI", 3: "HardFault", 4: "MemManage", 5: "BusFault",
           6: "UsageFault", 7: "SecureFault"}


@dataclass(frozen=True)
class Start:
    """The last start of a device.

    n_boots: starts since its RAM was last without power, this one included, 0 where nobody counts.
    After a power cut it is 1 again: the counter alone cannot tell that start from the first one.
    cause: unknown, power, pin, software, watchdog or fault; damaged: its flash is not what was
    linked; faulting: it faulted again and again; in both it runs nothing. fault: its kind, ""
    without one, and fault_pc the address of the instruction, 0 if not known. image_crc: CRC-32 of
    the flash image, which the device took at this start.
    """

    n_boots: int
    cause: str
    fault: str
    fault_pc: int
    image_crc: int

    @classmethod
    def of(cls, hello: Mapping[str, Any]) -> Start:
        """From the fields of HELLO."""
        cause = _CAUSES.get(hello["cause"], "unknown")
        number = hello["fault"]
        fault = _FAULTS.get(number, f"exception {number}") if cause in ("fault", "faulting") else ""
        return cls(hello["n_boots"], cause, fault, hello["fault_pc"], hello["image_crc"])

    @property
    def is_damaged(self) -> bool:
        return self.cause == "damaged"

    @property
    def is_faulting(self) -> bool:
        return self.cause == "faulting"

    @property
    def is_defect(self) -> bool:
        """Whether it restarted because something on it went wrong."""
        return self.cause in ("watchdog", "fault", "faulting")

    def __str__(self) -> str:
        at = f" at 0x{self.fault_pc:08x}" if self.fault_pc else ""
        return _TEXTS[self.cause] + (f" ({self.fault}{at})" if self.fault else "")
