"""One line of JSON per scenario: what no refactoring may change.

SHA-256 of the quantized network and of its emitted texts, bytes of state, scratch and constants.
    tools/scenario_digests.py > before.json; ...; tools/scenario_digests.py --compare before.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from support.scenario import Scenario  # noqa: E402
from support.scenarios import SCENARIOS  # noqa: E402

from edge_dassdp.emit import emit  # noqa: E402
from edge_dassdp.plan import Plan  # noqa: E402
from edge_dassdp.plan.ledger import constant_bytes  # noqa: E402


def figures(scenario: Scenario) -> dict[str, str | int]:
    """What is compared of one scenario."""
    network = scenario.quantized
    plan = Plan.of(network)
    layout, texts = plan.layout, emit(plan)
    return {
        "sha256": network.sha256,
        **{name: hashlib.sha256(texts[name].encode()).hexdigest() for name in sorted(texts)},
        "state_bytes": layout.state_bytes,
        "scratch_bytes": layout.scratch.bytes,
        "learning_state_bytes": layout.learning_state_bytes,
        "constant_bytes": constant_bytes(plan),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compare", type=Path, metavar="JSON", help="figures to hold against")
    chosen = parser.parse_args()
    now = {s.name: figures(s) for s in SCENARIOS.values()}
    if chosen.compare is None:
        print(json.dumps(now, indent=1))
        return 0
    before = json.loads(chosen.compare.read_text())
    changed = [f"{name}.{key}" for name in sorted(before.keys() | now.keys())
               for key in sorted(before.get(name, {}).keys() | now.get(name, {}).keys())
               if before.get(name, {}).get(key) != now.get(name, {}).get(key)]
    print("\n".join(changed) or f"{len(now)} scenarios: nothing changed")
    return int(bool(changed))


if __name__ == "__main__":
    raise SystemExit(main())
