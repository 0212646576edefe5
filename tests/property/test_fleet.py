"""What runs many networks sees the fault of one, and says whose it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.drawn import scenario
from support.fleet import DivergenceError, Model, Yard, spaced
from support.scenarios import SCENARIOS
from support.space import AXES, Recipe

from edge_dassdp.plan import Plan, scratch
from edge_dassdp.plan.layout import Layout

FIRST = {name: values[0] for name, values in AXES.items()}


def narrowed(layout: Layout, name: str) -> Layout:
    """With room for one number less in a field."""
    return replace(layout, fields=tuple(replace(f, count=f.count - 1) if f.name == name else f
                                        for f in layout.fields))


def assert_named(models: list[Model], yard: Yard, folder: Path) -> None:
    """The second one touches a gap; those before and behind it in the program are well."""
    elf = yard.link(yard.compile(models, folder), folder / "fleet.elf")
    yard.run(elf, models[:1])
    with pytest.raises(DivergenceError, match=r"(?s)^model 1\ncall .*use-after-poison"):
        yard.run(elf, models)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", ["logits", "v_c", "spk_b", "w_bc"])
def test_what_is_touched_behind_a_field_is_seen_and_the_model_named(
        name: str, place: int, here: list[Yard], tmp_path: Path) -> None:
    made = [scenario(Recipe(FIRST, seed)) for seed in range(3)]
    models = [here[place].model(f"model {i}", one) for i, one in enumerate(made)]
    models[1] = Model("model 1", made[1], *spaced(
        narrowed(Plan.of(made[1].quantized).layout, name)))
    assert_named(models, here[place], tmp_path)


@pytest.mark.parametrize("place", [0, 1])
def test_what_is_touched_behind_a_part_of_the_scratch_is_seen(
        place: int, here: list[Yard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of 16-bit weights, which are int32, stood in the room of int16 ones."""
    usual = scratch._inference_parts

    def small(*network_and_routes):
        parts = usual(*network_and_routes)
        return {**parts, "part": parts["part"] // 2}

    models = [here[place].model("model 0", SCENARIOS["dense"])]
    monkeypatch.setattr(scratch, "_inference_parts", small)
    models.append(here[place].model("model 1", SCENARIOS["dense_16"]))
    assert_named(models, here[place], tmp_path)
