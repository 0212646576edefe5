"""Everything that can be refused, in one list: code, exit status and explanation.

A refusal is raised as `EdgeError(code, message, cause=..., help=...)`. The command line prints
it as what / why / what to do and exits with the status of the code's class; a library user
catches `EdgeError`. Anything else that escapes is a defect of ours (exit status 101).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge_dassdp.base.text import printable

EXIT_OK = 0
EXIT_CHECK_FAILED = 1
EXIT_USAGE = 2
EXIT_TOOL_MISSING = 3
EXIT_LINK = 4
EXIT_UNSUPPORTED = 5
EXIT_INTERNAL = 101


@dataclass(frozen=True)
class ErrorCode:
    """One kind of refusal. `exit` is the process exit status; `explain` is shown by `explain`, with
    those that are read for `{frameworks}`."""

    exit: int
    title: str
    explain: str


CODES: dict[str, ErrorCode] = {
    "E101": ErrorCode(EXIT_USAGE, "a network is not well formed",
        "Names must be unique, projections must join what exists, arrays must have the shape "
        "(n_pre, n_post) or (n,), every number must be finite, thresholds positive and leaks in "
        "[0, 1]."),
    "E102": ErrorCode(EXIT_UNSUPPORTED, "a module of the model is not supported",
        "What comes in: live PyTorch modules (torch.nn layers between neurons of "
        "{frameworks}), NIR files, and one time step of a snnTorch network as ONNX. The message "
        "names the module, node or operation and what to use instead; the modules of "
        "edge_dassdp.frontends list what they take."),
    "E103": ErrorCode(EXIT_USAGE, "a file is missing or is not what it should be",
        "The file could not be read as the kind named; where it is of another kind, the message "
        "says which, and what to do with it. Check the path, and that the file was written by "
        "this version of edge-dassdp."),
    "E104": ErrorCode(EXIT_USAGE, "data has the wrong shape or range",
        "Samples are rows of n_inputs numbers (times n_frames), 0 or 1 for an input of spikes; "
        "labels are integers from 0 to n_classes - 1."),
    "E105": ErrorCode(EXIT_USAGE, "a setting is out of range",
        "A value given on the command line or in Python lies outside what the setting allows."),
    "E106": ErrorCode(EXIT_USAGE, "a model does not say how it runs",
        "A file of this kind leaves open which discrete neuron was trained: the framework, the "
        "time step, the reset and the comparison. Name the source (--source), which fixes them; "
        "the message lists what each choice would change. Neither NIR nor ONNX files say how many "
        "steps a sample has (--n-steps); an ONNX file does not say which inputs are fed an output "
        "of the step before (--feedback) and which a sample (--entry)."),
    "E107": ErrorCode(EXIT_CHECK_FAILED, "an imported network is not its source",
        "Importers run the source beside the network that they made of it, on a few random "
        "samples, and stop at the first value that differs by more than rounding. Something "
        "changes the forward pass that its classes and settings do not show: a hook, a replaced "
        "function, another version of the framework. Remove it, or pass check=False to import the "
        "model as it is described."),
    "E201": ErrorCode(EXIT_UNSUPPORTED, "the network cannot be quantized as asked",
        "A scale, a threshold or a rule constant cannot be represented in its fixed-point "
        "format. The message names it."),
    "E202": ErrorCode(EXIT_UNSUPPORTED, "a proof failed: an accumulator could overflow",
        "The interval analysis takes the worst case over all inputs and over all values plastic "
        "weights may take. The named quantity does not fit in 32 bits. Fewer weight bits, fewer "
        "threshold bits or fewer steps make it smaller."),
    "E203": ErrorCode(EXIT_UNSUPPORTED, "a plasticity rule cannot be used there",
        "Rules need spiking presynaptic neurons; the readout delta rule belongs to projections "
        "into the readout population; two rules must agree on which spike a latency records."),
    "E204": ErrorCode(EXIT_INTERNAL, "what was quantized cannot run",
        "Whatever `quantize` makes is held to the checks of the file's reader, and every constant "
        "to the C type that it is emitted as, before it is given out. This is our defect: please "
        "report it with the network and the settings."),
    "E301": ErrorCode(EXIT_TOOL_MISSING, "a tool is missing",
        "Building firmware needs arm-none-eabi-gcc, running it needs qemu-system-arm, the "
        "emulator needs a C compiler named by CC or called cc."),
    "E302": ErrorCode(EXIT_TOOL_MISSING, "a tool failed, or what it made cannot be used",
        "A compiler, linker, objcopy, objdump or QEMU could not be started, ended with an error or "
        "left nothing. The message holds its own words and the command. `doctor` tries each tool; "
        "CC names another C compiler for the emulator, EDGE_DASSDP_CACHE another folder for "
        "builds, EDGE_DASSDP_TOOL_S the seconds that a tool may take, 900 if it is not set."),
    "E303": ErrorCode(EXIT_TOOL_MISSING, "an optional Python package is missing",
        "PyTorch, plotting and example data are extras so that the core stays small. Install the "
        "extra named in the message."),
    "E304": ErrorCode(EXIT_INTERNAL, "the C compiler refused generated code",
        "Generated code compiles without warnings or it is our defect. Please report it with the "
        "model and the output above."),
    "E401": ErrorCode(EXIT_USAGE, "a board description is wrong",
        "boards/<name>/board.toml is checked once at load; the message names the field."),
    "E402": ErrorCode(EXIT_CHECK_FAILED, "a memory budget is broken",
        "The ledger adds every byte of RAM or flash before the build. Make fewer projections "
        "plastic, give a smaller batch, or pick a board with more memory."),
    "E403": ErrorCode(EXIT_CHECK_FAILED, "measured and predicted memory disagree",
        "The linked ELF does not hold what the plan predicted. This is our defect unless the "
        "runtime was edited."),
    "E404": ErrorCode(EXIT_CHECK_FAILED, "two targets disagree",
        "Reference, emulator and firmware must agree in every bit. The message names the first "
        "difference: signal, index, step and sample."),
    "E405": ErrorCode(EXIT_CHECK_FAILED, "a board file does not fit its chip",
        "`board check --svd` resolves each store of a board.toml to peripheral, register and "
        "field, and follows clocks, pins and counters from reset values on where it knows the "
        "chip's family. It objects to addresses of no register, reserved or partly masked bits, "
        "what cannot be written, values without a meaning, and to a core or UART that does not run "
        "as the board says. docs/board-file.md tells how to write one."),
    "E406": ErrorCode(EXIT_CHECK_FAILED, "a log does not prove what was learned",
        "`prove` replays a log of lessons in the emulator and compares the device's running digest "
        "after each, and in the end every weight and all of the learning state. The message names "
        "the first lesson that differs, or says that the log ends too early, or that weights were "
        "written by something else than lessons."),
    "E410": ErrorCode(EXIT_CHECK_FAILED, "a run that was repeated gave other bits",
        "`rerun` gives the command of a run folder once more and compares results and files, bit "
        "for bit. The message names the first that differs: of another version, of another "
        "compiler or of a defect. Inputs are the same: their hashes are looked at before."),
    "E501": ErrorCode(EXIT_LINK, "the port cannot be opened",
        "The port does not exist, is busy, or permission is missing."),
    "E502": ErrorCode(EXIT_LINK, "the device does not answer",
        "No valid frame came back within the time and the retries allowed. Check power, port, "
        "baud rate and that the firmware was flashed."),
    "E503": ErrorCode(EXIT_LINK, "the device refused a request",
        "The device answered with an error; nothing on it was changed. A device on which a restore "
        "was not finished runs nothing until a snapshot is restored or it is reset."),
    "E504": ErrorCode(EXIT_LINK, "the device runs something else",
        "The handshake compares protocol version, model hash and build hash, and every answer is "
        "held to the model: sizes, classes, ranges. Rebuild and reflash what the message names. "
        "An answer that cannot be true comes of damaged memory, of other sources, or of what only "
        "plays a device."),
    "E505": ErrorCode(EXIT_LINK, "the device restarted",
        "The session was lost in the middle: the device has its factory weights again. Restore a "
        "snapshot and go on."),
    "E507": ErrorCode(EXIT_LINK, "what the device has learned is not what it should be",
        "A device keeps what it learns in RAM: a restart brings the factory weights back. This "
        "computer remembers how it left each board (in $EDGE_DASSDP_STATE, or edge-dassdp in "
        "$XDG_STATE_HOME or ~/.local/state), and does not go on where what was learned is gone. "
        "Put a snapshot back with --restore, begin anew with --reset, or take the device as it is "
        "with --expect any. --expect also takes the digest that --json told, factory, or last."),
    "E508": ErrorCode(EXIT_LINK, "the board was not programmed",
        "A firmware reaches a board by its drive, by pyOCD or by the command of its board.toml; "
        "only one that is whole on the board counts as programmed. The message says what stood in "
        "the way: a drive that is not mounted, full, read-only, another board's, or gone midway, "
        "or that left FAIL.TXT; no debug probe; a chip that pyOCD needs a pack for; a programmer "
        "that failed. `flash --dry-run` says which way would be taken, docs/flashing.md the rest."),
    "E509": ErrorCode(EXIT_LINK, "a board is locked, or not as it should be",
        "A firmware that was built with --lock KEYFILE lets everybody read and classify, and only "
        "who has that key teach it, write, reset or hold it. Give every command that does so the "
        "same --lock KEYFILE (lock= in Python), or set EDGE_DASSDP_LOCK to it. A key that is lost "
        "cannot be got back from the board: flash it again. docs/security.md says what a lock is "
        "worth."),
    "E510": ErrorCode(EXIT_LINK, "a Dask cluster does not answer, or is lost",
        "`compare --dask ADDRESS` sends its runs to the workers of a Dask scheduler, which have "
        "this version of edge-dassdp and a C compiler. What was computed before a cluster was "
        "lost is in rows.jsonl of the output folder: the same command with --resume goes on, over "
        "another cluster or, without --dask, over the cores of this computer, to the same "
        "numbers."),
    "E506": ErrorCode(EXIT_CHECK_FAILED, "the emulator detected an overflow",
        "The checked build traps on every overflow that the proof excluded. This is our defect."),
}


class EdgeError(Exception):
    """A refusal with a code of `CODES`, what was wrong, why, and what to do.

    `message` says what, `cause` why (with the numbers), `help` what to do next. Each may quote a
    device or a file: what a terminal would obey is written as its escape.
    """

    def __init__(self, code: str, message: str, *, cause: str = "", help: str = "") -> None:
        self.code = code
        self.message = printable(message)
        self.cause, self.help = (printable(text, "\n\t") for text in (cause, help))
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Whole from another process."""
        return type(self), (self.code, self.message), vars(self)

    @property
    def exit_status(self) -> int:
        return CODES[self.code].exit

    def __str__(self) -> str:
        parts = [f"error[{self.code}]: {self.message}"]
        if self.cause:
            parts.append(f"  cause: {self.cause}")
        if self.help:
            parts.append(f"  help:  {self.help}")
        return "\n".join(parts)


def refuse_unless(code: str, holds: bool, message: str, *, cause: str = "",
                  help: str = "") -> None:
    """EdgeError of that code, with these words, unless it holds."""
    if not holds:
        raise EdgeError(code, message, cause=cause, help=help)
