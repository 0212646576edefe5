"""What a device says of its sensor without labels."""

from __future__ import annotations

from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.qir import QNetwork
from edge_dassdp.sensor.drift import N_ALARM
from edge_dassdp.sensor.monitor import DriftReport
from edge_dassdp.targets.target import Target

_FROM = QUANTITIES["drift_threshold_q8"] / 256


def drift_of(target: Target, network: QNetwork) -> DriftReport | None:
    """None of a model that compares nothing."""
    return target.drift() if network.watches else None


def drift_warning(report: DriftReport | None) -> list[str]:
    """What to do where the alarm is on."""
    if report is None or not report.alarm:
        return []
    way = "" if report.n_profiles else \
        ", or let it find a profile by itself (--drift profile and --allow-profile)"
    return [f"the sensor has drifted from what the network was trained on: the last {N_ALARM} "
            f"samples lie {report.median:.1f} from its classes, and {_FROM:.1f} is the limit; fit "
            f"a profile to labelled samples (--fit-profile){way}"]


def drift_text(report: DriftReport) -> str:
    """A line for people."""
    far = f"distance {report.median:.2f} from the training samples' classes, " \
        f"{'alarm' if report.alarm else 'no alarm'}" if report.median else \
        f"fewer than {N_ALARM} under this profile, no alarm"
    taken = f"; {report.n_profiles} profile{'s' * (report.n_profiles > 1)} taken without labels"
    return f"sensor: {report.n_windows:,} samples compared, {far}" + taken * bool(report.n_profiles)
