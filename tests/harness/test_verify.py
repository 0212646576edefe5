"""Where targets differ first is found, and soon, whoever lies about it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from support.devices import network, samples, stream, target
from support.liar import Liar, Lie

from edge_dassdp.harness import verify
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.wire.frames import Response, encode_response
from edge_dassdp.wire.messages import MESSAGES

KIND = "memory"


def step_by_step(one: ReferenceTarget, other: Emulator, x: np.ndarray, n_steps: int) -> int:
    """The first step that differs, by looking at each."""
    for t_step in range(n_steps):
        states = []
        for each in (one, other):
            each.infer(x, n_steps=t_step + 1)
            states.append({name: array.tolist() for name, array in each.named_state().items()
                           if name.startswith(("v_", "spk_"))})
        if states[0] != states[1]:
            return t_step
    raise AssertionError("they agree")


@pytest.mark.parametrize("seed", range(6))
def test_the_step_named_is_the_first_that_differs(seed: int) -> None:
    x, _ = samples(1, seed, KIND)
    one, other = ReferenceTarget(network(KIND)), Emulator(network(KIND))
    w = other.read_weights("fc2")
    w[seed::7] *= -1
    other.write_weights("fc2", w)
    found = verify(one, [other], network(KIND), x).divergence
    assert found is not None and found.phase == "inference"
    assert found.t_step == step_by_step(one, other, x[0], network(KIND).n_steps)


def test_a_digest_that_is_a_lie_is_told_after_few_requests() -> None:
    x, _ = samples(1, kind=KIND)
    with target(stream(KIND), KIND) as honest:
        honest.read_state()
        n_state = honest.link_frames
    layout = MESSAGES["INFER"].response

    def another(answer: Response) -> bytes:
        said = layout.unpack(answer.payload)
        said["forward_digest"] ^= said["forward_digest"] != 0
        return encode_response(replace(answer, payload=layout.pack(**said)))

    with LinkTarget.of(network(KIND), Liar(stream(KIND), Lie("INFER", another))) as device:
        done = verify(ReferenceTarget(network(KIND)), [device], network(KIND), x)
        n_runs = 3 + math.ceil(math.log2(network(KIND).n_steps))
        n_pieces = math.ceil(network(KIND).x_bytes / 64)
        assert device.link_frames <= n_runs * (n_pieces + 1) + 2 * n_state
    assert done.divergence is not None
