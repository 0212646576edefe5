"""Everything that a rule of your own is made with, in one import: docs/own-rule.md."""

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import (
    INT16_MAX,
    INT32_MAX,
    IntArray,
    round_shift,
    scalar_to_int,
    to_int,
)
from edge_dassdp.ir import FloatArray, Network, Projection
from edge_dassdp.qir import Offset, QRule, Site
from edge_dassdp.qir.checks import entries, within
from edge_dassdp.qir.checks import require as well_formed
from edge_dassdp.qir.lesson import DW_MAX_Q8, Lesson, Record
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.qir.tables import Array, StateField, Table
from edge_dassdp.rules.base import Needs, Place, Rule, Sample, Twin, positive, require
from edge_dassdp.rules.cost import count_rows, planes_of_fired, popcounts

__all__ = [
    "DW_MAX_Q8",
    "INT16_MAX",
    "INT32_MAX",
    "Array",
    "Bound",
    "EdgeError",
    "FloatArray",
    "IntArray",
    "Lesson",
    "Needs",
    "Network",
    "Offset",
    "Place",
    "Projection",
    "QRule",
    "Record",
    "Rule",
    "Sample",
    "Site",
    "StateField",
    "Table",
    "Twin",
    "count_rows",
    "entries",
    "planes_of_fired",
    "popcounts",
    "positive",
    "require",
    "round_shift",
    "scalar_to_int",
    "to_int",
    "well_formed",
    "within",
]
