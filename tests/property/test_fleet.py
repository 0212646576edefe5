"""What runs many networks sees the fault of one, and says whose it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.drawn import scenario
from support.fleet import DivergenceError, Model, Yard, spaced
from support.space import AXES, Recipe

from edge_dassdp.plan import Plan

FIRST = {name: values[0] for name, values in AXES.items()}


def narrowed(plan: Plan, name: str) -> Plan:
    """With room for one number less in a field."""
    fields = tuple(replace(f, count=f.count - 1) if f.name == name else f
                   for f in plan.layout.fields)
    return spaced(replace(plan, layout=replace(plan.layout, fields=fields)))


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", ["logits", "v_c", "spk_b", "w_bc", "scratch"])
def test_what_is_touched_behind_a_field_is_seen_and_the_model_named(
        name: str, place: int, here: list[Yard], tmp_path: Path) -> None:
    """Not only behind the whole state; the models before and behind it in the program are well."""
    made = [scenario(Recipe(FIRST, seed)) for seed in range(3)]
    plans = [here[place].plan(one.quantized) for one in made]
    plans[1] = narrowed(Plan.of(made[1].quantized), name)
    models = [Model(f"model {i}", one, plan)
              for i, (one, plan) in enumerate(zip(made, plans, strict=True))]
    folder = here[0].folder / f"{name}_{place}"
    folder.mkdir()
    elf = here[place].link(here[0].compile(models, folder), tmp_path / "fleet.elf")
    here[place].run(elf, models[:1])
    with pytest.raises(DivergenceError, match=r"(?s)^model 1\ncall .*use-after-poison") as found:
        here[place].run(elf, models)
    assert "model 0" not in str(found.value)
