"""The log that docs/state.md shows, written by a device without a host, proves what it learned."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.devices import network, samples

from edge_dassdp.build.compile import build_emulator
from edge_dassdp.build.host import host_compiler
from edge_dassdp.build.project import emulator_project
from edge_dassdp.emit import emit
from edge_dassdp.learned.log import ReadLog
from edge_dassdp.learned.portable import decode
from edge_dassdp.learned.proof import prove
from edge_dassdp.plan import Plan

DOCUMENT = Path(__file__).parents[2] / "docs" / "state.md"
KIND, N = "memory", 30
APPLICATION = """
#include <stdio.h>

#include "dassdp_model.h"

static dassdp_state_t state;
%(function)s
static void export_it(FILE *file)
{
    uint8_t piece[7];
    uint32_t n_bytes = dassdp_export_bytes(&dassdp_model), n;
    for (uint32_t at = 0; at < n_bytes; at += n) {
        n = n_bytes - at < sizeof piece ? n_bytes - at : (uint32_t)sizeof piece;
        dassdp_export(&dassdp_model, &state, at, piece, n);
        fwrite(piece, 1, n, file);
    }
}

int main(int n_words, char **words)
{
    static int8_t x[DASSDP_X_BYTES];
    dassdp_result_t result;
    FILE *given = fopen(words[n_words - 2], "rb"), *kept = fopen(words[n_words - 1], "wb");
    dassdp_init(&dassdp_model, &state);
    printf("{\\"format\\": \\"edge_dassdp/lessons/1\\", \\"model\\": \\"%(model)s\\", "
           "\\"learned\\": \\"%%08lx\\", \\"n_lessons\\": 0, \\"lessons\\": \\"00000000\\"}\\n",
           (unsigned long)dassdp_digest_learned(&dassdp_model, &state, 0));
    for (int label; fread(x, 1, sizeof x, given) == sizeof x;) {
        label = fgetc(given);
%(lesson)s
    }
    export_it(kept);
    return fclose(kept);
}
"""


def documented() -> tuple[str, str]:
    """The function that docs/state.md shows, and the lines that call it."""
    block, = [b for b in re.findall(r"```c\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
              if "log_lesson" in b]
    function, _, lesson = block.partition("\n}\n\n")
    return function + "\n}\n", lesson


@pytest.mark.parametrize("changes", [False, True])
def test_the_log_of_a_device_without_a_host_is_proof(tmp_path: Path, changes: bool) -> None:
    sources = emit(Plan.of(network(KIND)))
    library = build_emulator(sources)
    for path, text in emulator_project(sources).files.items():
        if path.startswith(("include/", "generated/")) and path.endswith(".h"):
            (tmp_path / Path(path).name).write_text(text, "utf-8")
    function, lesson = documented()
    (tmp_path / "application.c").write_text(APPLICATION % {
        "function": function, "lesson": lesson, "model": network(KIND).sha256}, "utf-8")
    subprocess.run([*host_compiler(), "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", tmp_path,
                    tmp_path / "application.c", library, f"-Wl,-rpath,{library.parent}",
                    "-o", tmp_path / "application"], check=True)
    x, labels = samples(N, 4, KIND)
    (tmp_path / "given").write_bytes(b"".join(
        row.tobytes() + bytes([label]) for row, label in zip(x, labels, strict=True)))
    done = subprocess.run([tmp_path / "application", tmp_path / "given", tmp_path / "kept"],
                          capture_output=True, check=True, text=True)
    log = done.stdout
    if changes:
        before = np.asarray(x[16]).tobytes().hex()
        assert log.count(before) == 1
        log = log.replace(before, "00" + before[2:])
    (tmp_path / "log.jsonl").write_text(log, "utf-8")
    snapshot = decode(network(KIND), (tmp_path / "kept").read_bytes())
    with ReadLog(network(KIND), tmp_path / "log.jsonl") as lessons:
        found = prove(network(KIND), lessons, snapshot)
    assert (found.verdict, found.number) == (("lesson", 17) if changes else ("proven", None))
    assert changes or found.n_lessons == found.n_told == N
