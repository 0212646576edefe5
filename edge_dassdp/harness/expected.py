"""Whether a device still has what it learned: held to what is asked for, or to how this computer
left it."""

from __future__ import annotations

import re
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quoting import command
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference import Reference
from edge_dassdp.storage.memory import Memory, Seen
from edge_dassdp.storage.state import remedy
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.target import Target
from edge_dassdp.wire.info import DeviceInfo

EXPECTATIONS = "a digest of 8 hexadecimal digits, factory, last or any"
_REMEDY = ("put a snapshot back (--restore FILE), begin with factory weights (--reset), or take it "
           "as it is (--expect any)")


def factory_digest(network: QNetwork) -> int:
    """CRC-32 over what a device has learned that never learned."""
    return Reference(network).learned_digest()


def digest_text(digest: int) -> str:
    """A digest as --expect takes it."""
    return f"{digest:08x}"


def hold(target: Target, network: QNetwork, expect: str | None = None, *,
         replaced: bool = False) -> list[str]:
    """Hold a target that was just opened to what it should have learned; gives warnings.

    expect: a digest, "factory", "last" for how this computer left the board, "any"; None: as it was
    left, but where another host taught it since a warning will do. replaced: what it has learned is
    replaced at once, so without `expect` anything will do. From here on the memory of a board knows
    of it. Raises EdgeError E507 where it has learned something else, E105 for another word, or for
    "last" where nothing is remembered.
    """
    memory = target.memory if isinstance(target, LinkTarget) else None
    if expect is None and memory is None:
        return []
    if memory is not None and memory.kept and expect is None and not replaced:
        raise unfinished(target, memory.kept)
    wanted = _wanted(expect, target, network, memory)
    found = target.info.learned_digest if isinstance(target, LinkTarget) \
        else target.statistics().learned_digest
    if wanted is not None and found != wanted:
        raise EdgeError(
            "E507", f"{target.name} has not learned what is expected",
            cause=f"digest {digest_text(found)}, expected {digest_text(wanted)}"
            + _of_start(target), help=_REMEDY)
    if memory is None or not isinstance(target, LinkTarget):
        return []
    factory = factory_digest(network)
    warnings = _defects(target.info, memory.last)
    if expect is None and not replaced:
        warnings += _compare(target, memory, factory)
    if not replaced and (aside := memory.set_aside()):
        warnings.append(f"what it had learned before a comparison that did not end is in {aside}")
    memory.accept(_seen(target.info, memory.last), factory)
    if memory.problem:
        warnings.append("what this board has learned cannot be noted for the next command: "
                        f"{memory.problem}; {remedy()}")
    return warnings


def unfinished(target: Target, kept: Path) -> EdgeError:
    """What a device had learned before a comparison was not put back, and is in a snapshot."""
    return EdgeError("E507", f"a comparison on {target.name} ended before it had back what it had "
                     "learned", cause=f"what it had learned is in {kept}", help=(
                         f"put it back, run or learn with --restore {command(kept)}; or begin with "
                         "factory weights (--reset), or take it as it is (--expect any)"))


def _wanted(expect: str | None, target: Target, network: QNetwork,
            memory: Memory | None) -> int | None:
    """The digest that is asked for, None for any."""
    if expect is None or expect == "any":
        return None
    if expect == "factory":
        return factory_digest(network)
    if re.fullmatch("[0-9a-fA-F]{8}", expect):
        return int(expect, 16)
    if expect != "last":
        raise EdgeError("E105", f"'{expect}' is no state of a device", help=f"give {EXPECTATIONS}")
    if memory is None:
        raise EdgeError("E105", f"nothing is remembered of {target.name}",
                        cause="it begins with factory weights each time",
                        help="give a digest, factory or any")
    if memory.last is None or memory.last.digest is None:
        raise EdgeError("E507", f"it is not known how {target.name} was left",
                        cause="this computer has not met it before" if memory.last is None else
                        "the last command that taught it from here did not end", help=_REMEDY)
    return memory.last.digest


def _seen(info: DeviceInfo, last: Seen | None) -> Seen:
    n_labelled = last.n_labelled if last and last.digest == info.learned_digest else 0
    return Seen(info.model_hash, info.build_hash, info.start.n_boots, info.learned_digest,
                n_labelled, last.n_taught if last else 0, None)


def _of_start(target: Target) -> str:
    return f"; it started {target.info.start}" if isinstance(target, LinkTarget) else ""


def _defects(info: DeviceInfo, last: Seen | None) -> list[str]:
    """That it restarted by itself since it was last seen."""
    is_news = last is None or (last.build, last.n_boots) != (info.build_hash, info.start.n_boots)
    return [f"{info.board} restarted {info.start}; its RAM began anew"] \
        if is_news and info.start.is_defect else []


def _compare(target: LinkTarget, memory: Memory, factory: int) -> list[str]:
    """Against how it was left. Raises EdgeError E507 where what it had learned is gone."""
    last, info = memory.last, target.info
    if last is None or (last.model, last.build) != (info.model_hash, info.build_hash):
        return []  # never met, or written anew since
    if info.learned_digest == last.digest:
        return []
    restarted = last.n_boots != info.start.n_boots
    is_gone = restarted or info.learned_digest == factory or _is_back(target, last)
    if last.digest is None and not is_gone:
        return []
    if last.digest == factory and info.saved.is_there:
        return [f"{target.name} was left with factory weights; now it has {info.saved}, or another "
                f"host taught it: digest {digest_text(info.learned_digest)}"]
    if last.digest == factory or not is_gone:
        return [f"{target.name} was taught by another host since it was last used from here: "
                f"digest {digest_text(info.learned_digest)}, then "
                f"{digest_text(last.digest or factory)}"]
    text, cause = _loss(target, last, restarted, factory)
    if not memory.is_same_port:
        return [f"{text}, or it is another board: {cause}"]
    raise EdgeError("E507", text, cause=cause, help=_REMEDY)


def _is_back(target: LinkTarget, last: Seen) -> bool:
    """At a save in its flash: it has learned from fewer samples than it had."""
    return target.in_flash.is_there and target.statistics().n_labelled < last.n_labelled


def _loss(target: LinkTarget, last: Seen, restarted: bool, factory: int) -> tuple[str, str]:
    """What is lost, and why."""
    info = target.info
    why = f"it restarted {info.start}: start {info.start.n_boots} since power came, " \
          f"{last.n_boots} when it was last used from here" if restarted else \
          "its power was cut, or another host reset it: it counts the same starts"
    if info.saved.is_there and info.learned_digest != factory:
        n_lost = last.n_labelled - target.statistics().n_labelled if last.digest else 0
        lost = f"{n_lost:,} lessons since are lost" if n_lost > 0 else \
            "what it learned since is lost"
        return (f"{target.name} is back at save {info.saved.n_saves:,}: {lost}",
                f"digest {digest_text(info.learned_digest)}; {why}")
    now = "it has its factory weights" if info.learned_digest == factory else \
        f"it was taught something else, digest {digest_text(info.learned_digest)}"
    samples = f" from {last.n_labelled:,} samples" if last.n_labelled else ""
    had = "what the last command taught it" if last.digest is None else \
        f"what it had learned{samples}, digest {digest_text(last.digest)}"
    return f"{target.name} has lost {had}", f"{now}; {why}"
