"""One good file or more of every kind that is read, and how: what `mutations` damages."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from support.changed_graphs import changed_nir, changed_onnx
from support.mutations import Rng, mutated
from support.nir_graphs import BRAILLE, CNN
from support.rule_examples import EXAMPLES
from support.scenarios import SCENARIOS

from edge_dassdp import harness, ir, qir
from edge_dassdp.base import assets
from edge_dassdp.build.board import load_board
from edge_dassdp.data.calibration import Profile
from edge_dassdp.data.datasets import load_part, save_dataset
from edge_dassdp.emit import emit, proven
from edge_dassdp.frontends.files import SourceOptions, load_model
from edge_dassdp.learned.log import ReadLog
from edge_dassdp.learned.proof import prove
from edge_dassdp.learned.watched import watch
from edge_dassdp.plan import Plan
from edge_dassdp.quantize import quantize
from edge_dassdp.rules import Guard, Learning, Replay, Schedule
from edge_dassdp.storage.npz import write_npz
from edge_dassdp.targets.reference import ReferenceTarget

ONNX_FILES = Path(__file__).parents[1] / "frontends" / "onnx" / "files"
MODELS = ("graph", "convolutions", "described", "replay", "synapses", "delays", "encoded_delta")
Read = Callable[[Path], object]


@dataclass(frozen=True)
class Kind:
    """name: of a damaged file. sources: good files. read: all that a verb does with one. change: of
    values, where bytes alone are seldom well formed."""

    name: str
    sources: tuple[Path, ...]
    read: Read
    change: Callable[[Path, Rng], None] | None = None

    def damage(self, i: int, path: Path, rng: Rng) -> None:
        """Writes the i-th damaged file."""
        data = self.sources[i % len(self.sources)].read_bytes()
        if self.change is None or rng.random() < 0.4:
            path.write_bytes(mutated(data, rng))
            return
        path.write_bytes(data)
        self.change(path, rng)


def kinds(folder: Path) -> dict[str, Kind]:
    """Every kind, its good files written to the folder."""
    makers = (_data, _network, _model, _snapshot, _lessons, _nir, _onnx, _board, _profile, _csv,
              _npy, _learning)
    return {maker.__name__[1:]: maker(folder) for maker in makers}


def _data(folder: Path) -> Kind:
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (40, 9)).astype(np.float32), np.arange(40) % 3
    rows = {"train": np.arange(20), "stream": np.arange(20, 30), "test": np.arange(30, 40)}
    plain, packed, raw = (folder / f"{name}.npz" for name in ("plain", "packed", "raw"))
    np.savez(plain, x=x, y=y)
    np.savez_compressed(packed, x=x, y=y, **rows)
    save_dataset(raw, "raw", rng.integers(0, 255, (40, 9)).astype(np.uint8), y, rows)
    return Kind("d.npz", (plain, packed, raw), lambda path: load_part(path, "train"))


def _network(folder: Path) -> Kind:
    sources = []
    for name in MODELS:
        sources.append(folder / f"{name}.npz")
        ir.save(SCENARIOS[name].network, sources[-1])
    return Kind("n.npz", tuple(sources), lambda path: quantize(load_model(path)))


def _model(folder: Path) -> Kind:
    sources = []
    for name in MODELS:
        sources.append(folder / f"{name}.q.npz")
        qir.save(SCENARIOS[name].quantized, sources[-1])
    return Kind("m.q.npz", tuple(sources), lambda path: emit(Plan.of(proven.load(path))))


def _snapshot(folder: Path) -> Kind:
    """Of both versions; what was changed inside has the CRC that fits."""
    network, source = SCENARIOS["replay"].quantized, folder / "snapshot.state"
    device = ReferenceTarget(network)
    harness.save_snapshot(device, network, source)
    old, whole = folder / "snapshot.npz", np.frombuffer(device.read_learning(), np.uint8)
    write_npz(old, {"format": harness.SNAPSHOT, "model": network.sha256}, {
        "learning": np.concatenate([whole[:24], whole[32:]]),
        **{f"w_{p.name}": device.read_weights(p.name) for p in network.plastic}})

    def change(path: Path, rng: Rng) -> None:
        data = bytearray(path.read_bytes())
        for _ in range(1 + int(rng.integers(4))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        data[-4:] = zlib.crc32(data[:-4]).to_bytes(4, "little")
        path.write_bytes(data)

    return Kind("s.state", (source, old),
                lambda path: harness.load_snapshot(device, network, path), change)


def _lessons(folder: Path) -> Kind:
    """A log, its lines and their values changed."""
    network, source = SCENARIOS["replay"].quantized, folder / "lessons.jsonl"
    device, rng = ReferenceTarget(network), np.random.default_rng(2)
    with watch(device, network, source):
        for label in range(3):
            device.learn(rng.integers(-9, 9, network.x_bytes).astype(np.int8), label)
        device.idle(2)

    def change(path: Path, rng: Rng) -> None:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        line = lines[int(rng.integers(len(lines)))]
        key = str(rng.choice(sorted(line)))
        line[key] = (None, 1 << 70, -1, "", "zz", [], {}, 1.5, True, "idle")[int(rng.integers(10))]
        path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")

    def read(path: Path) -> None:
        with ReadLog(network, path) as log:
            prove(network, log, harness.learned_of(device, network))

    return Kind("l.jsonl", (source,), read, change)


def _nir(folder: Path) -> Kind:
    options = SourceOptions(source="nir", dt=1e-4, n_steps=3)
    return Kind("n.nir", (BRAILLE, CNN), lambda path: load_model(path, options), changed_nir)


def _onnx(folder: Path) -> Kind:
    whole = ONNX_FILES / "chain_zero.dynamo.onnx"
    beside = folder / "beside.onnx"
    onnx.save(onnx.load(whole), beside, save_as_external_data=True, size_threshold=0,
              location="weights.data")
    options = SourceOptions(n_steps=3)
    return Kind("n.onnx", (whole, ONNX_FILES / "volume_subtract.older.onnx", beside),
                lambda path: load_model(path, options),
                _change_onnx)


def _change_onnx(path: Path, rng: Rng) -> None:
    path.write_bytes(changed_onnx(path.read_bytes(), rng))


def _board(folder: Path) -> Kind:
    boards = assets.folder("boards")
    return Kind("board.toml", tuple(sorted(boards.glob("*/board.toml"))), load_board)


def _profile(folder: Path) -> Kind:
    source = folder / "profile.json"
    Profile("left", (1, -1, 1), (1.0, 0.5, 2.0), (0.0, 0.1, -0.1)).save(source)
    return Kind("p.json", (source,), Profile.load)


def _csv(folder: Path) -> Kind:
    rows = ["split,a,b,label", "train,1.5,-2,ant", "train,3,4e-3,bee", "test,0,1,ant"]
    named, plain, semicolons = (folder / f"{name}.csv" for name in ("named", "plain", "semicolons"))
    named.write_text("\n".join(rows) + "\n", "utf-8")
    plain.write_text("# x, y\n1.5,2.5,0\n-3,4,1\n", "utf-8")
    semicolons.write_bytes(b'\xef\xbb\xbf"a";"b";"y"\r\n1;"2";0\r\n3;4;1\r\n')
    return Kind("d.csv", (named, plain, semicolons), lambda path: load_part(path, "train"))


def _npy(folder: Path) -> Kind:
    rng = np.random.default_rng(0)
    mixed, columns = (folder / f"{name}.npy" for name in ("mixed", "columns"))
    values = np.column_stack([rng.normal(0, 1, (8, 3)), np.arange(8) % 3])
    np.save(mixed, values)
    np.save(columns, np.asfortranarray(values.astype(np.float32)))
    return Kind("d.npy", (mixed, columns), lambda path: load_part(path, "train"))


def _learning(folder: Path) -> Kind:
    source = folder / "learning.toml"
    Learning(dict(EXAMPLES), schedule=Schedule(), replay=Replay(), guard=Guard(True)).save(source)
    return Kind("l.toml", (source,), Learning.load)
