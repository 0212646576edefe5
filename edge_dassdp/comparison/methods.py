"""The methods that can be compared: a word each, with settings, or a file of `tune`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.words import settings_of
from edge_dassdp.comparison.comparators import BackpropLearner, TESSLearner
from edge_dassdp.comparison.profiles import Fit, by_itself, by_labels
from edge_dassdp.ir import Network
from edge_dassdp.rules import Learning, Rule
from edge_dassdp.rules.document import maker
from edge_dassdp.rules.learning import ALONE, READOUT, SYNCHRONY, TOUCH
from edge_dassdp.rules.words import kinds_of
from edge_dassdp.twin.learner import FloatLearner

FROZEN, DEFAULT, DELTA = "frozen", "default", "delta"
HOST: dict[str, Callable[..., FloatLearner]] = {"backprop": BackpropLearner, "tess": TESSLearner}
"""In float on the host, where touch would learn."""
FITS: dict[str, Fit] = {"profile": by_labels, "unlabelled": by_itself}
"""A profile of the sensor first: from labels, or without."""
SIZES: dict[str, dict[str, Any]] = {
    "touch": {"mu": TOUCH.mu}, "error": {"mu": SYNCHRONY.mu}, "eihl": {"mu": SYNCHRONY.mu},
    **{word: {"mu": TOUCH.mu} for word in HOST}}
"""Settings of a word where they are not given, and are other than the rule's own."""
_READOUT = "readout"
_SUFFIX = ".toml"


@dataclass(frozen=True)
class Method:
    """text: as it was asked for, which outputs call it by. word: FROZEN, DEFAULT, a rule's, or one
    of HOST; settings: of it, and the step size of the delta rule into the readout. file: what
    learns instead. fit: of FITS, "" for none. learns: or else only the profile changes."""

    text: str
    word: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    file: Learning | None = None
    fit: str = ""
    learns: bool = True

    @property
    def is_host(self) -> bool:
        return self.word in HOST

    def learning(self, network: Network, base: Learning) -> Learning | None:
        """What learns in a network, None for nothing. base: what learns by default there, whose
        schedule, replay, guard, gate and skip every method shares but one of a file.

        Raises EdgeError E203 where it cannot stand.
        """
        if self.file is not None:
            self.file.validate(network)
            return self.file
        if self.word == FROZEN:
            return None
        if self.word == DEFAULT:
            return base
        made = replace(base, rules=self._rules(network, base))
        made.validate(network)
        return made

    def _rules(self, network: Network, base: Learning) -> dict[str, Rule]:
        settings = dict(self.settings)
        mu = settings.pop(_READOUT, None)
        hidden = None if self.word == DELTA else self._hidden(settings)
        usual = READOUT if hidden is not None and hidden.needs.error else ALONE
        if self.word == DELTA:
            mu = settings.get("mu")
        readout = usual if mu is None else maker(DELTA)(mu=mu)
        rules: dict[str, Rule] = {}
        for name in base.rules:
            if network.projection(name).post == network.readout.population:
                rules[name] = readout
            elif hidden is not None:
                rules[name] = hidden
        refuse_unless("E203", hidden is None or hidden in rules.values(),
                      f"{self.text}: no projection before the readout can learn",
                      help="compare delta, which learns at the readout alone")
        return rules

    def _hidden(self, settings: Mapping[str, Any]) -> Rule:
        word = "touch" if self.is_host else self.word
        return maker(word)(**{**SIZES.get(self.word, {}), **settings})


def parsed(texts: Sequence[str]) -> tuple[Method, ...]:
    """Methods in their order, frozen in front, which the others are compared with.

    A text is frozen, default, a rule's WORD[:SETTING=VALUE,...], backprop, tess, or FILE.toml of
    `tune`; profile or unlabelled fit a profile of the sensor, alone or, with a + behind, before one
    of the others. readout=MU is the delta rule's step size into the readout. Raises EdgeError E105
    for anything else, and for a method that is given twice; E103 for a file that is none.
    """
    found = [_method(text.strip()) for text in texts]
    texts = [m.text for m in found]
    twice = next((t for k, t in enumerate(texts) if t in texts[:k]), None)
    refuse_unless("E105", twice is None, f"method {twice} is given twice",
                  help="name each once; one with other settings is another")
    if FROZEN not in texts:
        found.insert(0, _method(FROZEN))
    found.sort(key=lambda m: m.text != FROZEN)
    return tuple(found)


def split(text: str) -> list[str]:
    """METHOD,METHOD,... : what has an = and no : before it is a setting of the method before."""
    made: list[str] = []
    for part in text.split(","):
        name, equals, _ = part.partition("=")
        if equals and ":" not in name and made:
            made[-1] += f",{part}"
        else:
            made.append(part)
    return made


def _method(text: str) -> Method:
    fit, plus, rest = text.partition("+")
    if fit in FITS and (plus or not rest):
        return replace(_plain(rest), text=text, fit=fit) if plus else \
            Method(text, DEFAULT, fit=fit, learns=False)
    return _plain(text)


def _plain(text: str) -> Method:
    if text.endswith(_SUFFIX):
        return Method(text, Path(text).stem, file=Learning.load(text))
    word, colon, rest = text.partition(":")
    if word in (FROZEN, DEFAULT):
        refuse_unless("E105", not colon, f"method {text}", cause=f"{word} takes no settings")
        return Method(text, word, learns=word == DEFAULT)
    refuse_unless("E105", word in Rule.makers or _is_rule(word) or word in HOST,
                  f"there is no method '{word}'" if word else "a method has no name",
                  help=f"choose {', '.join(words())}, or give a file of tune; docs/compare.md")
    kinds = {"mu": float} if word in HOST else dict(kinds_of(word))
    kinds |= {} if word == DELTA else {_READOUT: float}
    settings = settings_of(rest, kinds, f"--methods {word}:", f"method '{word}'")
    made = Method(text, word, settings)
    if word != DELTA:
        made._hidden({k: v for k, v in settings.items() if k != _READOUT})
    maker(DELTA)(mu=settings.get("mu" if word == DELTA else _READOUT, READOUT.mu))
    return made


def words() -> list[str]:
    """That a method may begin with."""
    return [FROZEN, DEFAULT, *sorted(Rule.makers), *HOST, *FITS]


def _is_rule(word: str) -> bool:
    try:
        maker(word)
    except EdgeError:
        return False
    return True
