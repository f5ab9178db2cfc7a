"""The processes of one machine, kept out of each other's way by files of its DAGSTER_HOME."""

import os
import socket
from contextlib import AbstractContextManager
from pathlib import Path

from filelock import AsyncFileLock

from papers_pipeline.base.notes import Note, unheard
from papers_pipeline.coordination.interface import Coordination
from papers_pipeline.store import locks
from papers_pipeline.store.ledger import FileLedger
from papers_pipeline.store.limits import Rate, SharedLimit, SharedSlots


class FileCoordination(Coordination):
    """Locks and limits in files below `home`, and the ledger in the folder `ledger`."""

    def __init__(self, home: Path, ledger: Path) -> None:
        self._home = home
        self._ledger = FileLedger(ledger)

    def held(self, name: str, on_wait: Note = unheard) -> AbstractContextManager[None]:
        return locks.held(self._home / "locks", name, on_wait)

    def key_held(self, key: str) -> AsyncFileLock:
        # 65,536 locks for all keys: a file per key would pile up for ever. Of 4,096 locks, every
        # eighth time two of 32 calls at once would share one, and one would wait for the other.
        lock = self._home / "locks" / "keys" / f"{key[:4]}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        return AsyncFileLock(lock)

    def check(self) -> None:
        """The operating system takes no lock from a live process."""

    def process(self) -> str:
        return process_name() or ""

    def is_gone(self, process: str) -> bool:
        """Only processes of this machine can be looked for."""
        host, _, rest = process.partition(":")
        if host != socket.gethostname():
            return False
        return process_name(int(rest.partition(":")[0])) != process

    def limit(
        self,
        name: str,
        rate: Rate,
        seconds: float,
        *,
        family: str = "",
        requests_of_all: int | None = None,
    ) -> SharedLimit:
        folder = self._home / "limits" / family
        return SharedLimit(folder, name, rate, seconds, requests_of_all=requests_of_all)

    def slots(self, name: str, count: int) -> SharedSlots:
        return SharedSlots(self._home / "limits", name, count)

    @property
    def ledger(self) -> FileLedger:
        return self._ledger

    def examine(self) -> str:
        return f"files of this machine, in {self._home}"


def process_name(pid: int | None = None) -> str | None:
    """Host, pid and start time of a live process of this machine, or None if there is none.

    The start time distinguishes a process from a later one with the same pid.
    """
    pid = pid or os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    stat = Path(f"/proc/{pid}/stat")
    # Field 22, the 20th after the process name, which may contain spaces. Only Linux has the file.
    started = stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else ""
    return f"{socket.gethostname()}:{pid}:{started}"
