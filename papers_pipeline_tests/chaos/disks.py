"""A disk of its own for a soak, which can be full."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SMALLEST_FILE = 3000
"""Where no disk can be mounted, the system refuses longer files instead."""


@dataclass(frozen=True)
class Disk:
    """The folder of a soak. `is_mounted` says whether it is a file system of its own."""

    folder: Path
    is_mounted: bool = False

    @property
    def how(self) -> str:
        """How the disk is made full."""
        return "a full tmpfs" if self.is_mounted else f"RLIMIT_FSIZE of {SMALLEST_FILE} bytes"

    @contextmanager
    def full(self, left_bytes: int) -> Iterator[int | None]:
        """Leave room for so many bytes; yields the size of the largest file if none is mounted."""
        if not self.is_mounted:
            yield SMALLEST_FILE
            return
        filler = self.folder / "filler"
        free = shutil.disk_usage(self.folder).free
        with filler.open("wb") as file:
            block = bytes(1 << 20)
            for _ in range(max(0, free - left_bytes) // len(block)):
                file.write(block)
            file.write(bytes(max(0, free - left_bytes) % len(block)))
        try:
            yield None
        finally:
            filler.unlink()


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """A small tmpfs on the folder, if this user may mount one, else the folder itself."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mount = shutil.which("mount")
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        yield Disk(folder)
        return
    try:
        yield Disk(folder, is_mounted=True)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
