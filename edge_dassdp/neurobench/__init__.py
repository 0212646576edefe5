"""The field's metrics of a network or a model on samples, as the package `neurobench` defines them
(2.3, PyPI; Yik et al., Nature Communications 16, 1545, 2025): docs/neurobench.md."""

from edge_dassdp.neurobench.measure import Metrics, metrics

__all__ = ["Metrics", "metrics"]
