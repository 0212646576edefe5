"""Lines of a screen, as people read them."""

from __future__ import annotations

import numpy as np

from edge_dassdp.reference.confidence import of_labelled
from edge_dassdp.report.lines import confidence_text


def test_a_loss_that_falls_is_what_was_fitted_whatever_the_calibration_error_does() -> None:
    """It was told after a calibration error that rose, as if the fit had failed."""
    rng = np.random.default_rng(24)
    labels = rng.integers(0, 3, 60)
    logits = rng.normal(size=(60, 3)) + 2.0 * np.eye(3)[labels]
    rose = of_labelled(logits, labels, 0.5)
    assert rose.error_before is not None and rose.error_after is not None
    assert rose.error_after > rose.error_before and rose.loss_after < rose.loss_before
    told = confidence_text(rose)
    assert "0.7599, fitted to the least loss, 0.5 before: loss 0.556 before, 0.511 after" in told
    assert "8.9 % apart before, 12.7 % after (" in told and "which no fit follows)" in told
    fell = of_labelled(25 * logits, labels, 1.0)
    assert fell.error_after < fell.error_before and "follows" not in confidence_text(fell)
    assert "apart on 60 training samples" in confidence_text(of_labelled(logits, labels, 0.76))
