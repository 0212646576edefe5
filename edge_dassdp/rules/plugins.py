"""Rules from outside the package: a file given by its path, held to the contract of own-rule.md.

Rules of installed packages come by the entry point `edge_dassdp.rules` (qir.file.load_installed).
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import QRule
from edge_dassdp.rules.base import Rule, require
from edge_dassdp.rules.declared import c_files

HOOKS = ("learn", "check", "record", "fit")
_FILE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\.[chS]")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,23}")


def load_rules(path: Path | str) -> tuple[type[Rule], ...]:
    """The rules that a Python file defines, entered as ours are; loaded again it takes their place.

    Raises EdgeError E103 if the file is missing or cannot be imported, E203 where a rule of it
    breaks the contract.
    """
    file = Path(path).resolve()
    if not file.is_file() or file.suffix != ".py":
        raise EdgeError("E103", f"{path} is no Python file", help="give the file that defines your "
                        "rule: --rules-from my_rule.py")
    module = _imported(file)
    rules, integers = _defined(module, Rule), _defined(module, QRule)
    require(bool(rules and integers), f"{file.name} defines {len(rules)} Rule and {len(integers)} "
            "QRule", help="define one of each, as docs/own-rule.md shows")
    for rule in rules:
        check_rule(rule)
    for made in integers:
        check_integers(made)
    return rules


def _imported(file: Path) -> ModuleType:
    """The file as a module, of the same name whenever it is loaded."""
    name = f"edge_dassdp_rules_{file.stem}_{crc32(str(file).encode()):08x}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except EdgeError:
        raise
    except Exception as problem:
        raise EdgeError("E103", f"{file.name} cannot be imported",
                        cause=f"{type(problem).__name__}: {problem}") from None
    return module


def _defined(module: ModuleType, kind: type[Any]) -> tuple[type[Any], ...]:
    return tuple(value for value in vars(module).values() if isinstance(value, type)
                 and issubclass(value, kind) and value.__module__ == module.__name__)


def check_rule(rule: type[Rule]) -> None:
    """E203 unless a specification keeps the contract."""
    where = _check_class(rule)
    require(bool(rule.no_twin) or rule.change is not Rule.change or rule.twin is not Rule.twin,
            f"{where} has no float twin and does not say why",
            help="define `change`, or say why not in `no_twin`")


def check_integers(rule: type[QRule]) -> None:
    """E203 unless a rule in integers keeps the contract and its C files are there."""
    where = _check_class(rule)
    for name in ("title", "stage", "hooks", "header"):
        require(hasattr(rule, name), f"{where} says no `{name}`")
    require(rule.stage in ("error", "sample", "batch"),
            f"{where}: stage '{rule.stage}' is not error, sample or batch")
    require("learn" in rule.hooks, f"{where} names no C function that learns",
            help=f'hooks = {{"learn": "{rule.word}_learn"}}')
    unknown = set(rule.hooks) - set(HOOKS)
    require(not unknown, f"{where}: nothing calls a hook '{min(unknown, default='')}'",
            help=f"choose {', '.join(HOOKS)}")
    require(not rule.is_own() or bool(rule.sources), f"{where} names no C files",
            help='sources = ("my_rule.c", "my_rule.h")')
    for name in (*rule.sources, rule.header) if rule.is_own() else ():
        require(isinstance(name, str) and bool(_FILE.fullmatch(name)),
                f"{where}: a file cannot be called {name!r}", help="C and make take letters, "
                "digits, _ and -, and .c, .h or .S behind them")
    texts = c_files(rule)
    ours = {p.name for p in assets.folder("firmware").rglob("*.[chS]")} if texts else set()
    for name in texts:
        require(name not in ours, f"{where}: a file {name} is part of the runtime",
                help="give yours another name")
    for symbol in rule.hooks.values():
        require(not texts or any(re.search(rf"\b{re.escape(symbol)}\b", text)
                                 for name, text in texts.items() if name.endswith(".c")),
                f"{where}: none of {', '.join(sorted(texts))} defines {symbol}")


def _check_class(rule: type[Any]) -> str:
    """Its name for messages, where what both kinds of classes must be is so."""
    where = rule.__name__
    missing = ", ".join(sorted(rule.__abstractmethods__))
    require(not inspect.isabstract(rule), f"{where} does not define {missing}")
    params = getattr(rule, "__dataclass_params__", None)
    require(is_dataclass(rule) and params is not None and params.frozen,
            f"{where} is no frozen dataclass", help="@dataclass(frozen=True)")
    word = getattr(rule, "word", None)
    require(isinstance(word, str) and bool(_WORD.fullmatch(word)),
            f"{where}: its word is {word!r}, expected up to 24 small letters, digits and _")
    return where
