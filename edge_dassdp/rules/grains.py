"""What a slice of a lesson cannot cut: instructions of the largest pieces of a rule, for
`QRule.grain`.

Counted at most, on the core of the package's that takes most for each (Cortex-M0): prices of
boards/costs.toml and a third, so that a slice never passes its budget by more than a grain.
tests/qemu/test_slices.py counts them on every core.
"""

from __future__ import annotations

from edge_dassdp.qir import Site
from edge_dassdp.qir.packing import columns, words


def row(n_columns: int, weight_bits: int) -> int:
    """An update row written; nibbles take more to take apart and to put together."""
    return 60 + columns(n_columns) * {16: 20, 4: 13}.get(weight_bits, 11)


def factors(site: Site) -> int:
    """Factors of all postsynaptic neurons from the spikes of the presynaptic ones."""
    bits = site.field_bits
    return 700 + 75 * site.n_post + 20 * bits * (bits + 1) * words(site.n_pre)


def listed(site: Site) -> int:
    """Latencies, or counts, of all postsynaptic neurons, from bit planes."""
    return 300 + site.n_post * (30 + 12 * site.field_bits)


def searched(site: Site) -> int:
    """The presynaptic neurons of one latency, or of one spike count."""
    return 400 + words(site.n_pre) * (90 + 9 * site.field_bits)


def by_classes(site: Site) -> int:
    """Of an update by classes: factors, latencies, or a class with its first row."""
    made = columns(site.n_post) * (60 if site.is_long else 25)
    return max(factors(site), listed(site) + 40 * words(site.n_pre) * site.field_bits,
               searched(site) + made + row(site.n_post, site.weight_bits))
