"""What is mounted, as each system tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import board_drives

from edge_dassdp.flashing.volumes import System, Volume, volumes


def test_a_table_of_mounts_gives_paths_labels_and_what_may_be_written(tmp_path: Path) -> None:
    system = board_drives.system(tmp_path, Path("/media/me/MICROBIT"), Path("/run/media/me/A B"),
                                 sda="1-2", sdb="3-1.4")
    (system.labels / "NODE_F401RE").symlink_to("/dev/sdb")
    found = {str(v.root): v for v in volumes(system, "linux")}
    assert found["/media/me/MICROBIT"] == Volume(Path("/media/me/MICROBIT"), "MICROBIT",
                                                 usb_place="1-2")
    assert found["/run/media/me/A B"].label == "NODE_F401RE"
    assert found["/run/media/me/A B"].usb_place == "3-1.4"
    [other] = [v for v in volumes(board_drives.system(tmp_path, Path("/mnt/x"), options="ro"),
                                  "linux") if v.root == Path("/mnt/x")]
    assert other.is_read_only


@pytest.mark.parametrize("text", ["", "\n\n", "one", "/dev/sda", "a b c", "\x00\xff\n \n",
                                  "/dev/sda /media/\\777\\04 vfat", "x" * 100_000])
def test_a_table_of_nonsense_is_no_drive_and_no_fault(tmp_path: Path, text: str) -> None:
    system = board_drives.system(tmp_path)
    system.mounts.write_bytes(text.encode("latin-1"))
    assert not any(v.bears("MICROBIT") for v in volumes(system, "linux"))


def test_systems_that_tell_nothing(tmp_path: Path) -> None:
    nowhere = System(*[tmp_path / "none"] * 4)
    assert volumes(nowhere, "linux") == [] == volumes(nowhere, "darwin")


def test_macos_has_a_folder_of_volumes(tmp_path: Path) -> None:
    system = board_drives.system(tmp_path)
    for name in ("MICROBIT", "MICROBIT 1", "Other"):
        (system.volumes / name).mkdir(parents=True)
    (system.volumes / "Macintosh HD").symlink_to("/")
    (system.volumes / "a file").touch()
    found = volumes(system, "darwin")
    assert [v.label for v in found] == ["MICROBIT", "MICROBIT 1", "Other"]
    assert [v.bears("MICROBIT") for v in found] == [True, True, False]


@pytest.mark.parametrize(("label", "bears"), [
    ("MICROBIT", True), ("microbit", True), ("MICROBIT1", True), ("MICROBIT 2", True),
    ("MICROBIT12", False), ("MY MICROBIT", False), ("MICROBI", False), ("", False)])
def test_labels_as_desktops_show_them(label: str, bears: bool) -> None:
    assert Volume(Path("/x"), label).bears("MICROBIT") is bears
