"""Runs a command, and measures its time and the memory of its processes."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import psutil

BETWEEN_SAMPLES_SECONDS = 0.25
SHOWN_CHARACTERS = 2000


@dataclass(frozen=True)
class Measured:
    """A finished command.

    - `started_at`: seconds since the epoch.
    - `memory`: bytes at each sample, summed over the command and all its children. Pages that
      processes share count for each.
    """

    started_at: float
    seconds: float
    memory: Sequence[int]
    output: str

    @property
    def peak_bytes(self) -> int:
        return max(self.memory, default=0)

    @property
    def start_bytes(self) -> int:
        """The median memory of the second tenth, when everything is loaded."""
        return _median(self.memory[len(self.memory) // 10 : len(self.memory) // 5])

    @property
    def end_bytes(self) -> int:
        """The median memory of the last tenth."""
        return _median(self.memory[-max(1, len(self.memory) // 10) :])


def measure(command: Sequence[str | Path], env: Mapping[str, str], folder: Path) -> Measured:
    """Run a command in a folder. Raises SystemExit with the end of its output if it fails."""
    memory = []
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        started_at, started = time.time(), time.perf_counter()
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=output, stderr=errors)
        while True:
            try:
                process.wait(timeout=BETWEEN_SAMPLES_SECONDS)
                break
            except subprocess.TimeoutExpired:
                memory.append(tree_bytes(process.pid))
        seconds = time.perf_counter() - started
        output.seek(0)
        errors.seek(0)
        printed, said = output.read(), errors.read()
    if process.returncode:
        name = " ".join(str(part) for part in command)
        end = (said + printed)[-SHOWN_CHARACTERS:]
        raise SystemExit(f"{name} failed ({process.returncode}):\n{end}")
    return Measured(started_at, seconds, memory, printed)


def tree_bytes(pid: int) -> int:
    """The resident memory of a process and all its children."""
    total = 0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def folder_bytes(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _median(values: Sequence[int]) -> int:
    return sorted(values)[len(values) // 2] if values else 0
