"""Every refusal of the ONNX importer, and what its help says, done."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx.parser import parse_model
from support.helps import FRONTENDS, Help, unprovoked, without

from edge_dassdp.frontends.assemble import EntrySettings
from edge_dassdp.frontends.onnx import check, from_onnx

FOLDER = Path(tempfile.mkdtemp())
NUMBERS = itertools.count()
STEP = FOLDER / "plain.onnx"
FRAMES = EntrySettings(frames=True)
CURRENT = "c = MatMul(x, w)  "
LEAKY = """q = Greater(m, theta)  r = Cast<to=1>(q)  d = Mul(beta, m)  a = Add(d, c)
    l = Mul(r, theta)  n = Sub(a, l)  p = Greater(n, theta)  s = Cast<to=1>(p)  """
OUT = "float[1,2] s, float[1,2] n"


def other(text: str, n: str, current: str, state: str = "") -> str:
    """A piece with other names: values end in n."""
    made = text.replace("(m, ", f"({state or 'm' + n}, ").replace("beta, m)",
                                                                  f"beta, {state or 'm' + n})")
    for name in "qrdalnps":
        for before, behind in (("  ", " ="), ("(", ")"), ("(", ","), (" ", ")"), ("\n    ", " =")):
            made = made.replace(f"{before}{name}{behind}", f"{before}{name}{n}{behind}")
    return f"  {made}".replace("  q =", f"  q{n} =", 1).replace(", c)", f", {current})")


def model(nodes: str = CURRENT + LEAKY, x: str = "float[1,3] x", m: str = "float[1,2] m",
          outputs: str = OUT, more: str = "", opset: int = 17) -> onnx.ModelProto:
    return parse_model(f"""
        <ir_version: 8, opset_import: ["" : {opset}, "other" : 1, "com.microsoft" : 1]>
        step ({x}, {m}) => ({outputs})
        <float[3,2] w = {{1, 2, 3, 4, 5, 6}}, float[2,2] u = {{1, -1, 2, 1}}, float beta = {{0.25}},
         float theta = {{0.5}}, float one = {{1}}, float zero = {{0}}, float[2] b = {{1, 2}}{more}>
        {{ {nodes} }}""")


def path_of(made: onnx.ModelProto) -> Path:
    path = FOLDER / f"{next(NUMBERS)}.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def read(path: Path, **how: Any) -> Callable[[], object]:
    return lambda: from_onnx(path, n_steps=4, **how)


def step(nodes: str = CURRENT + LEAKY, how: dict[str, Any] | None = None, **text: Any
         ) -> Callable[[], object]:
    return read(path_of(model(nodes, **text)), **(how or {}))


def changed(change: Callable[[onnx.ModelProto], None]) -> Callable[[], object]:
    made = model()
    change(made)
    return read(path_of(made))


def content(data: bytes) -> Callable[[], object]:
    path = FOLDER / f"{next(NUMBERS)}.onnx"
    path.write_bytes(data)
    return read(path)


def _without_onnx() -> None:
    with without("onnx"):
        step()()


def too_long(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].raw_data = bytes(28)
    del made.graph.initializer[0].float_data[:]


def unsorted(made: onnx.ModelProto) -> None:
    nodes = list(made.graph.node)
    del made.graph.node[:]
    made.graph.node.extend(reversed(nodes))


PLAIN = step()
READING: dict[str, Help] = {
    "no onnx": Help(_without_onnx, "pip install 'edge-dassdp[onnx]'", PLAIN),
    "bytes": Help(content(b"\x08\x08\x12\xff"), "export it again", PLAIN),
    "no nodes": Help(content(b"\x08\x08\x12\x01a"), "export it again", PLAIN),
    "order": Help(changed(unsorted), "each node stands behind what it takes", PLAIN),
    "opset": Help(step(opset=12), "opset 13 or later", step(opset=13)),
    "constant output": Help(step(CURRENT + LEAKY + "y = Identity(b)", outputs=OUT + ", float[2] y"),
                            "leave it out of what forward returns", PLAIN),
    "doubles": Help(step(m="double[1,2] m"), "a float32 model", PLAIN),
    "dynamic": Help(step(x="float[1,k] x"), "only the batch",
                    step(x="float[k,3] x", m="float[k,2] m", outputs="float[k,2] s, float[k,2] n")),
    "batch": Help(step(x="float[4,3] x"), "x of shape (1, n)", PLAIN),
    "sizes": Help(step(x="float[1,4] x"), "of the sizes that forward takes", PLAIN),
    "damaged": Help(changed(too_long), "export the file again", PLAIN),
    "text": Help(step("t = Identity(words)  " + CURRENT + LEAKY, more=', string words = {"a"}'),
                 "a float32 model", PLAIN),
    "nan": Help(step("f = MatMul(x, w)  c = Mul(f, bad)" + "  " + LEAKY,
                     more=", float bad = {nan}"), "finite numbers",
                step("f = MatMul(x, w)  c = Mul(f, bad)" + "  " + LEAKY, more=", float bad = {2}")),
    "control flow": Help(step(
        "c = If (yes) <then_branch = a () => (float[1,2] p) { p = MatMul(x, w) }, else_branch = e "
        "() => (float[1,2] q) { q = MatMul(x, w) }>  " + LEAKY, more=", bool yes = {1}"),
        "without if and for", PLAIN),
    "several values": Help(step("k, j = Split<axis=1, num_outputs=2>(x)  c = MatMul(k, u)  "
                                + LEAKY, x="float[1,4] x", opset=18), "without it: slices",
                           step("c = MatMul(x, u)  " + LEAKY, x="float[1,2] x")),
    "random": Help(step("f = MatMul(x, w)  g = RandomNormal<shape=[1]>()  c = Mul(f, g)  " + LEAKY),
                   "compute it before the export", step("f = MatMul(x, w)  c = Mul(f, g)  " + LEAKY,
                                                        more=", float g = {0.7}")),
    "not computed": Help(step("f = MatMul(x, w)  g = Add(b, v)  c = Mul(f, g)  " + LEAKY,
                              more=", float[3] v = {1, 2, 3}"), "constants before the export",
                         step("f = MatMul(x, w)  c = Mul(f, g)  " + LEAKY,
                              more=", float[2] g = {1, 2}")),
    "shape by data": Help(
        step("k = Reshape(x, rows)  f = Flatten<axis=0>(k)  c = MatMul(f, w)  " + LEAKY,
             more=", int64[2] rows = {3, 1}"), "it stays the first dimension",
        step("k = Reshape(x, rows)  f = Flatten(k)  c = MatMul(f, w)  " + LEAKY,
             more=", int64[2] rows = {1, 3}")),
}
BACK = "f = MatMul(x, w)  g = MatMul(back, u)  c = Add(f, g)  " + LEAKY
ENDS = CURRENT + LEAKY + "y = MatMul(s, u)  z = Neg(y)  o = MatMul(s, u)"
BETWEEN = "float[1,2] back, float[1,2] m"
EQUAL = "n = Add(m, y)  p = Greater(n, theta)  s = Cast<to=1>(p)"
SILENT = CURRENT + "d = Mul(beta, m)  n = Add(d, c)"
FORTH = """c = MatMul(x, w)  h = MatMul(back, u)  i = Add(c, h)  """ + LEAKY.replace(
    "c)", "i)") + "e = MatMul(s, u)  k = Add(e, h)" + other(LEAKY, "2", "k") \
    + "j = MatMul(s2, u)  o = Add(j, h)" + other(LEAKY, "3", "o")
LATE = FORTH.replace("o = Add(j, h)", "h3 = MatMul(again, u)  o = Add(j, h3)")
THREE = "float[1,2] s3, float[1,2] n, float[1,2] n2, float[1,2] n3, float[1,2] s2"
STATES: dict[str, Help] = {
    "entries": Help(step(how={"spikes": True, "entries": {"x": FRAMES}}), "give them in entries",
                    step(how={"entries": {"x": EntrySettings(spikes=True)}})),
    "no neurons": Help(step("s = MatMul(x, w)  n = Identity(m)"), "pass every state into forward",
                       PLAIN),
    "no output": Help(step(how={"output": "z"}), "choose one of s, n", step(how={"output": "s"})),
    "two ends": Help(step(ENDS, outputs="float[1,2] z, float[1,2] o, float[1,2] n"),
                     "output= one of z, o, n",
                     step(ENDS, outputs="float[1,2] z, float[1,2] o, float[1,2] n",
                          how={"output": "o"})),
    "not returned": Help(step(SILENT, outputs="float[1,2] n", how={"readout": "spike_count"}),
                         "return them from forward", step(how={"readout": "spike_count"})),
    "no input": Help(step(BACK, m=BETWEEN, how={"feedback": {"z": "s"}}), "choose one of x, back",
                     step(BACK, m=BETWEEN, how={"feedback": {"back": "s"}})),
    "unsaid": Help(step(BACK, m=BETWEEN), "feedback={'back': 's'}",
                   step(BACK, m=BETWEEN, how={"feedback": {"back": "s"}})),
    "unsaid, samples": Help(step(BACK, m=BETWEEN), "the inputs that samples hold, in entries",
                            step(BACK, m=BETWEEN, how={"entries": {"x": FRAMES, "back": FRAMES}})),
    "no spikes": Help(step(BACK, m=BETWEEN, how={"feedback": {"back": "n"}}), "choose one of s",
                      step(BACK, m=BETWEEN, how={"feedback": {"back": "s"}})),
    "to both sides": Help(
        step(FORTH, m="float[1,2] back, float[1,2] m, float[1,2] m2, float[1,2] m3", outputs=THREE,
             how={"feedback": {"back": "s2"}}), "give each its own input",
        step(LATE, m="float[1,2] back, float[1,2] again, float[1,2] m, float[1,2] m2, "
             "float[1,2] m3", outputs=THREE, how={"feedback": {"back": "s2", "again": "s2"}})),
    "leads on": Help(step(CURRENT + LEAKY + "y = Identity(m)", outputs=OUT + ", float[1,2] y",
                          how={"output": "y"}), "read or pass on the spikes",
                     step(how={"output": "s"})),
    "shapes": Help(step("f = MatMul(x, w)  g = MatMul(x, v)  c = Add(f, g)  " + LEAKY,
                        more=", float[3,1] v = {1, 2, 3}"), "values of one shape",
                   step("f = MatMul(x, w)  g = MatMul(x, v)  c = Add(f, g)  " + LEAKY,
                        more=", float[3,2] v = {1, 1, 2, 2, 3, 3}")),
    "which": Help(step(EQUAL, x="float[1,2] y"), "in entries or with --entry",
                  step(EQUAL, x="float[1,2] y", how={"entries": {"y": FRAMES}})),
    "from inside": Help(step(outputs=OUT + ", float[1,2] a"), "return spikes and states alone",
                        PLAIN),
    "lost": Help(step(outputs="float[1,2] s"), "return every new state", PLAIN),
    "threshold": Help(step(LEAKY.replace("theta", "low").join((CURRENT, "")),
                           more=", float[2] low = {1, -0.5}"), "clamp thresholds",
                      step(LEAKY.replace("theta", "low").join((CURRENT, "")),
                           more=", float[2] low = {1, 0.01}")),
    "unknown": Help(step(CURRENT + LEAKY.replace("l = Mul(r, theta)", "l = Mul(r, one)")),
                    "supported are snntorch.Leaky", PLAIN),
}
PLAINNESS: dict[str, Help] = {
    "foreign": Help(step("c = other.Current(x, w)  " + LEAKY), "as it was exported", PLAIN),
    "activation": Help(step('c = com.microsoft.FusedGemm<activation="Relu">(x, w)  ' + LEAKY),
                       "write the network without it", PLAIN),
    "transposed": Help(step("c = com.microsoft.FusedMatMul<transA=1>(x, w)  " + LEAKY,
                            x="float[3,1] x"), "as it was exported", PLAIN),
}


def pooled(how: str, x: str = "float[1,1,6] x", kind: str = "AveragePool") -> Callable[[], object]:
    n = {"float[1,1,6] x": 3, "float[1,1,5] x": 2}[x]
    wide = n if "ceil_mode" not in how or x == "float[1,1,6] x" else n + 1
    wide += "pads" in how
    more = f", float[{wide},2] v = {{{', '.join('1' * 2 * wide)}}}"
    return step(f"p0 = {kind}<kernel_shape=[2], strides=[2]{how}>(x)  f = Flatten(p0)  "
                "c = MatMul(f, v)  " + LEAKY, x=x, more=more)


def conv(how: str, n: int, kernel: str = "float[1,1,2] kernel = {1, 2}") -> Callable[[], object]:
    more = f", {kernel}, float[{n},2] v = {{{', '.join('1' * 2 * n)}}}"
    return step(f"k = Conv<{how}>(x, kernel)  f = Flatten(k)  c = MatMul(f, v)  " + LEAKY,
                x="float[1,1,3] x", more=more)


def between(nodes: str, **text: Any) -> Callable[[], object]:
    return step(nodes + "  " + LEAKY, **text)


WIRING: dict[str, Help] = {
    "kind": Help(between("f = MatMul(x, w)  c = Tanh(f)"), "supported beside neurons are", PLAIN),
    "products": Help(between("f = MatMul(x, w)  c = Mul(f, f)"), "take one value",
                     between("f = MatMul(x, w)  c = Mul(f, b)")),
    "constant first": Help(between("c = MatMul(v, x)", x="float[1,2] x",
                                   more=", float[1,1] v = {1}"), "x @ w, as nn.Linear",
                           between("c = MatMul(x, u)", x="float[1,2] x")),
    "transposed": Help(between("c = Gemm<transA=1>(x, v)", x="float[1,1] x",
                               more=", float[1,2] v = {1, 2}"), "export it with 0",
                       between("c = Gemm<transA=0>(x, v)", x="float[1,1] x",
                               more=", float[1,2] v = {1, 2}")),
    "matrices": Help(between("k = MatMul(x, w)  f = Flatten(k)  c = MatMul(f, u)",
                             x="float[1,1,3] x"), "flatten the values before it",
                     between("k = Flatten(x)  f = MatMul(k, w)  c = MatMul(f, u)",
                             x="float[1,1,3] x")),
    "three dimensions": Help(
        between("k = Conv(x, kernel)  f = Flatten(k)  c = MatMul(f, v)", x="float[1,1,1,1,2] x",
                more=", float[1,1,1,1,1] kernel = {1}, float[2,2] v = {1, 2, 3, 4}"),
        "use Conv1d, Conv2d",
        between("k = Conv(x, kernel)  f = Flatten(k)  c = MatMul(f, v)", x="float[1,1,1,2] x",
                more=", float[1,1,1,1] kernel = {1}, float[2,2] v = {1, 2, 3, 4}")),
    "auto_pad": Help(conv('auto_pad="SAME_UPPER"', 3), "padding in numbers",
                     conv("pads=[1, 1]", 4)),
    "sides": Help(conv("pads=[1, 0]", 3), "pad both sides alike", conv("pads=[1, 1]", 4)),
    "padding of means": Help(pooled(", pads=[1, 1]"), "count_include_pad=True",
                             pooled(", pads=[1, 1], count_include_pad=1")),
    "padding left out": Help(pooled(", pads=[1, 1], count_include_pad=0"), "export it with 1",
                             pooled(", pads=[1, 1], count_include_pad=1")),
    "past the end": Help(pooled(", ceil_mode=1", x="float[1,1,5] x"), "use ceil_mode=False",
                         pooled("", x="float[1,1,5] x")),
    "quotient": Help(between("f = MatMul(x, w)  c = Div(b, f)"), "multiply by a constant instead",
                     between("f = MatMul(x, w)  c = Mul(b, f)")),
    "spread": Help(between("f = MatMul(x, v)  c = Mul(f, b)", more=", float[3,1] v = {1, 2, 3}"),
                   "the constant one number",
                   between("f = MatMul(x, w)  c = Mul(f, one)")),
}


def failing(where: str, made: Any, checks: bool) -> Callable[[], object]:
    """As if what runs the file failed there."""
    path = path_of(model())

    def call() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(check, where, made)
            from_onnx(path, n_steps=4, check=checks)
    return call


def broken(*arguments: Any) -> Any:
    raise ValueError("what a runner says")


def runs_broken(*arguments: Any) -> Any:
    return check._named(["s"], broken)


CHECK: dict[str, Help] = {
    "run": Help(failing("_showing", broken, True), "check=False",
                failing("_showing", broken, False)),
    "run again": Help(failing("_runner", runs_broken, True), "export it again", PLAIN),
}
HELPS = {f"{group}: {name}": entry for group, helps in (
    ("reading", READING), ("states", STATES), ("plain", PLAINNESS), ("wiring", WIRING),
    ("check", CHECK)) for name, entry in helps.items()}


@pytest.mark.parametrize("name", HELPS)
def test_what_the_help_says_works(name: str) -> None:
    HELPS[name].check()


def test_every_refusal_has_an_entry() -> None:
    assert unprovoked((FRONTENDS / "onnx").glob("*.py"), HELPS) == []
