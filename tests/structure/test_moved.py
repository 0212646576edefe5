"""Module paths of the release before hand on what is there now, and say so."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from edge_dassdp.moved import MOVED


@pytest.mark.parametrize("old", sorted(MOVED))
def test_an_old_path_hands_on_with_a_warning(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"edge_dassdp.{old}", raising=False)
    with pytest.warns(DeprecationWarning, match=f"edge_dassdp.{MOVED[old]} now"):
        handed_on = import_module(f"edge_dassdp.{old}")
    new = import_module(f"edge_dassdp.{MOVED[old]}")
    public = {name: value for name, value in vars(new).items() if not name.startswith("_")}
    assert public.items() <= vars(handed_on).items()


def test_what_never_existed_is_no_module() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_module("edge_dassdp.never")
