"""Files that others wrote: what they are by their first bytes, and whatever a library makes of a
damaged one as a refusal.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_dassdp.base.errors import EdgeError

_FROM_TORCH = ("load it in Python and give the module to edge_dassdp.from_torch; edge_dassdp.save "
               "writes what comes of it")
_ARRAYS = "in Python: np.savez('data.npz', x=samples, y=classes), and give that"
_BY_MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", "a NIR file is called .nir; of other HDF5 files load "
     "the arrays in Python"),
    (0, b"\x93NUMPY", "a .npy file of one array", _ARRAYS),
    (0, b"\x7fELF", "an ELF program", ""),
    (0, b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (0, b"BZh", "a bzip2 archive", "unpack it first"),
    (0, b"\xfd7zXZ\x00", "an xz archive", "unpack it first"),
    (0, b"\x89PNG", "a PNG image", ""),
    (0, b"\xff\xd8\xff", "a JPEG image", ""),
    (0, b"%PDF", "a PDF document", ""),
    (0, b"MATLAB 5.0", "a MATLAB file", f"load it with scipy.io.loadmat; {_ARRAYS}"),
    (4, b"TFL3", "a TensorFlow Lite model", "bring the network by PyTorch, NIR or ONNX"),
    (8, b'{"', "a safetensors file", _FROM_TORCH),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself", "git lfs pull"),
    *((0, bytes([128, version]), "a Python pickle, perhaps a PyTorch checkpoint", _FROM_TORCH)
      for version in range(2, 6)))


def what_is(path: Path | str) -> tuple[str, str]:
    """What a file is, for people, and what to do with it, empty where nobody knows. The file may be
    missing, or anything else than a file."""
    try:
        if not Path(path).is_file():
            return "not a regular file", "give the path of a file"
        with Path(path).open("rb") as file:
            head = file.read(4096)
    except OSError as problem:
        return f"not readable ({problem.strerror})", ""
    if not head:
        return "an empty file", "write it again; its writer was cut off, or the disk was full"
    for at, magic, what, cure in _BY_MAGIC:
        if head[at : at + len(magic)] == magic:
            return what, cure
    return _zip(path) if head[:2] == b"PK" else _text(head)


def _zip(path: Path | str) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # whatever a damaged directory makes zipfile raise
        return ("a ZIP archive that was cut off or is damaged",
                "write it again, or take another copy")
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch checkpoint", _FROM_TORCH
    if any(name.endswith(".npy") for name in names):
        arrays = shown(name.removesuffix(".npy") for name in names if name.endswith(".npy"))
        return f"an .npz with the arrays {arrays}", ""
    return f"a ZIP archive of {shown(names)}", ""


def shown(names: Iterator[str] | list[str]) -> str:
    """The first of some names, without what a terminal would obey."""
    listed = list(names)
    first = [name[:40] if name[:40].isprintable() else repr(name[:40]) for name in listed[:6]]
    return ", ".join(first) + (f" and {len(listed) - 6} more" if len(listed) > 6 else "")


def _text(head: bytes) -> tuple[str, str]:
    try:
        text = head[:-4].decode("utf-8") if len(head) == 4096 else head.decode("utf-8")
    except UnicodeDecodeError:
        return "of a kind that is not known here", ""
    if "\0" in text:
        return "of a kind that is not known here", ""
    first = text.lstrip("\ufeff \t\r\n")
    if first[:1] in "{[":
        return "a text file, perhaps JSON", ""
    if first[:1] == "<":
        return "a text file of markup, perhaps the page of a failed download", "load it again"
    if first.count(",") or first.count(";") or first.count("\t"):
        return "a text file, perhaps CSV", \
            f"load its table in Python, for instance with np.loadtxt; {_ARRAYS}"
    return "a text file", ""


@contextmanager
def reading(path: Path | str, wanted: str, help: str = "", *, is_known: bool = False
            ) -> Iterator[None]:
    """A block that decodes a file which anybody may have written: libraries each raise what they
    like of a damaged one, and all of it becomes EdgeError E103 with what was `wanted`, and with
    what the file is instead unless it is known to be of the kind. Their warnings are not shown."""
    try:
        if not Path(path).exists():
            raise EdgeError("E103", f"{path} does not exist")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except EdgeError:
        raise
    except Exception as problem:
        if is_known:
            raise EdgeError("E103", f"{path} is no valid {wanted}", cause=told(problem),
                            help=help or "write it again, or take another copy") from None
        what, cure = what_is(path)
        raise EdgeError("E103", f"{path} is no {wanted}, or a damaged one",
                        cause=f"it is {what}; {told(problem)}", help=cure or help) from None


def told(problem: BaseException) -> str:
    """One line of what an exception says, of a length to be shown."""
    said = " ".join(str(problem).split()) or type(problem).__name__
    if isinstance(problem, KeyError):
        said = f"{said} is missing"
    return said if len(said) <= 200 else f"{said[:200]} ..."
