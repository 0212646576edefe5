"""Writes the recipes of `ci.recipes` into a project."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import load_board
from edge_dassdp.ci import recipes
from edge_dassdp.ci.recipes import Facts
from edge_dassdp.data.datasets import Samples
from edge_dassdp.emit.firmware import predict_memory
from edge_dassdp.harness import Errors
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.reference import Reference
from edge_dassdp.storage.files import write_text


def facts_of(model: QNetwork, samples: Samples, model_file: Path, data_file: Path, project: Path,
             board: str, package: str) -> Facts:
    """Of a project: accuracy, or NRMSE, by the reference, RAM by the ledger. samples: as the
    network takes them. package: a requirement, a wheel or checkout in the project, an address of
    one, "" for this version. Raises EdgeError E104 for targets that do not differ, E105 for a file
    outside of it, E402 for a board that is too small."""
    facts = Facts(_within(model_file, project), _within(data_file, project),
                  learns=bool(model.plastic), package=_requirement(package, project))
    if board:
        chosen = load_board(board)
        name = str(_within(Path(board), project)) if Path(board).is_file() else board
        facts = replace(facts, board=name, has_qemu=chosen.qemu is not None,
                        ram_bytes=predict_memory(model, chosen).ram_bytes)
    reference, values = Reference(model), model.values
    classes = reference.classify(input_x(model, samples.x))
    if values is None:
        return replace(facts, accuracy=float((classes == samples.y).mean()))
    errors = Errors.of(values.of_logits(reference.sums), samples.y, values.names)
    return replace(facts, nrmse=errors.required_nrmse)


def write(facts: Facts, project: Path, providers: Collection[str], *,
          force: bool) -> tuple[list[Path], list[str]]:
    """What was written, and what is left to do, a sentence each. A test that is there is kept.
    Raises EdgeError E105 for an unknown provider, and for a recipe that is there unless `force`."""
    for provider in providers:
        if provider not in recipes.PROVIDERS:
            raise EdgeError("E105", f"there is no recipe for '{provider}'",
                            help=f"choose {' or '.join(recipes.PROVIDERS)}")
    files, notes = dict[Path, str](), list[str]()
    if facts.package == Facts.package:
        notes.append(f"pip takes {facts.package} from its index; where that has none, --package "
                     "names a wheel in the project or an address, https://….whl or git+https://…")
    if recipes.GITHUB in providers:
        files[recipes.WORKFLOW] = recipes.workflow(facts)
    if recipes.GITLAB in providers:
        own = project / recipes.GITLAB_CI
        is_ours = not own.exists() or own.read_bytes() == recipes.job(facts).encode()
        files[recipes.GITLAB_CI if is_ours else recipes.GITLAB_PART] = recipes.job(facts)
        if not is_ours:
            notes.append(f"{recipes.GITLAB_CI} is yours and stays: add to it  include: "
                         f"{{local: {recipes.GITLAB_PART}}}")
    taken = [path for path, text in files.items() if _differs(project / path, text)]
    if taken and not force:
        raise EdgeError("E105", f"{project / taken[0]} is there and would be overwritten",
                        help="--force writes over it")
    if (project / recipes.TEST).exists():
        notes.append(f"{recipes.TEST} is there and stays as it is")
    else:
        files[recipes.TEST] = recipes.test(facts)
    for path, text in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        write_text(project / path, text)
    return list(files), notes


def _differs(path: Path, text: str) -> bool:
    return path.exists() and path.read_bytes() != text.encode()


def _requirement(package: str, project: Path) -> str:
    """As pip takes it where the project lies, with the extra; one that names extras stands."""
    if not package:
        return Facts.package
    if "[" in package:
        return package
    if "://" in package:
        return f"{Facts.package.partition('=')[0]} @ {package}"
    path = Path(package)
    if path.suffix == ".whl" or path.is_dir():
        return f"./{_within(path, project).as_posix()}[ci]"
    return package


def _within(path: Path, project: Path) -> Path:
    """As the project names it."""
    try:
        return path.resolve().relative_to(project.resolve())
    except ValueError:
        raise EdgeError("E105", f"{path} is not in the project {project}", cause="CI has what is "
                        "checked out there alone", help="copy it there, and commit it") from None
