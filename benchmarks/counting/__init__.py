"""Counting instructions of Thumb code, and beside them modelled cycles.

`cases` says what to call, `build` compiles it, `core` runs it in Unicorn, `bare` runs the same
list in QEMU (the only way for the M55), `cycles` holds the models, `table` the results, `peers`
what others' code costs.
"""

from counting.bare import run_qemu
from counting.build import CORES, Core, Image, compile_objects, link
from counting.cases import Case, Outcome, Struct
from counting.core import Machine, run_unicorn
from counting.table import Record, print_table, read_records, write_records

__all__ = [
    "CORES", "Case", "Core", "Image", "Machine", "Outcome", "Record", "Struct",
    "compile_objects", "link", "print_table", "read_records", "run_qemu", "run_unicorn",
    "write_records",
]
