"""Worker processes for bytes from outside: one that hangs, fills memory or crashes costs one paper.

A worker has limits on time, processor and memory, no secrets in its environment, and no network
where Linux grants it a namespace of its own. It never outlives this process on Linux; elsewhere it
ends with its task. The limits bound what a file can cost. They do not contain code that takes over
the worker: it runs as this user and can read this user's files.
"""

import asyncio
import ctypes
import math
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import pebble

from papers_pipeline.base.per_paper import PaperFailed
from papers_pipeline.documents.pdf.parse import PdfError

TIME_LIMIT = 60.0
"""Seconds for one task, by the clock. The slowest real paper takes one."""
PROCESSOR_LIMIT = 60
"""Seconds of a processor for one task. The kernel keeps this limit even if this process hangs."""
MEMORY_LIMIT = 2 * 1024**3
"""Bytes of address space that a worker may add to what it uses before its first task. Real papers
take up to 0.3 GB."""
WORKERS = 2
MOST_TASKS = 200
"""Tasks after which a worker is replaced, so that what MuPDF does not free cannot pile up."""

_OUT_OF_MEMORY = 77
"""Exit status of a worker that ran out of memory."""
_NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000
"""CLONE_NEWUSER and CLONE_NEWNET: https://man7.org/linux/man-pages/man2/unshare.2.html"""
_SET_PARENT_DEATH_SIGNAL = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""
_SECRET_NAME = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|DSN)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"://[^/\s@]*:[^/\s@]+@")
_environment_lock = threading.Lock()

Result = TypeVar("Result")


class Workers:
    """A pool of worker processes. They start with the first task.

    Several users may enter it as a context manager; the workers stop when the last one leaves. It
    may be entered again. Tasks must be scheduled from a thread that outlives them, such as that of
    the event loop: Linux ends a worker with the thread that started it.
    """

    def __init__(
        self,
        workers: int = WORKERS,
        *,
        time_limit: float = TIME_LIMIT,
        processor_limit: int = PROCESSOR_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        self._workers = workers
        self._time_limit = time_limit
        self._processor_limit = processor_limit
        self._memory_limit = memory_limit
        self._lock = threading.Lock()
        self._users = 0
        self._pool: pebble.ProcessPool | None = None

    def __enter__(self) -> "Workers":
        with self._lock:
            self._users += 1
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._users -= 1
            if self._users or self._pool is None:
                return
            pool, self._pool = self._pool, None
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """The result of a function, called in a worker. It must be importable by name.

        Raises PaperFailed. The reason is `timeout`, `out_of_memory`, `crashed`, or one of
        PdfError's. It is retryable only if all workers died without a task.
        """
        task = (function, arguments, self._processor_limit)
        try:
            future = self._running_pool().schedule(_work, args=task, timeout=self._time_limit)
            result, reason, detail = await asyncio.wrap_future(future)
        except TimeoutError:
            raise PaperFailed("timeout", f"after {self._time_limit:g} s", retryable=False) from None
        except pebble.ProcessExpired as error:
            raise PaperFailed(*self._expiry(error.exitcode), retryable=False) from None
        except BrokenProcessPool as error:
            raise PaperFailed("crashed", str(error)) from None
        if reason:
            raise PaperFailed(reason, detail, retryable=False)
        return result  # type: ignore[no-any-return]

    def _running_pool(self) -> pebble.ProcessPool:
        with self._lock:
            if not self._users:
                raise RuntimeError("Workers must be entered before they run a task")
            if self._pool is None or not self._pool.active:
                self._pool = pebble.ProcessPool(
                    max_workers=self._workers,
                    max_tasks=MOST_TASKS,
                    initializer=_confine,
                    initargs=(self._memory_limit,),
                    context=_CleanContext(),
                )
            return self._pool

    def _expiry(self, status: int | None) -> tuple[str, str]:
        """The reason and the detail for a worker that exited without reporting a result."""
        if status == -signal.SIGXCPU:
            return "timeout", f"after {self._processor_limit} s of a processor"
        reason = "out_of_memory" if status == _OUT_OF_MEMORY else "crashed"
        return reason, f"The worker exited with status {status} without reporting a result."


def _work(
    function: Callable[..., Any], arguments: tuple[Any, ...], processor_limit: int
) -> tuple[Any, str, str]:
    """The result, or None with a reason and a detail.

    Errors are returned as strings because not every exception can be pickled.
    """
    try:
        with _processor_limited(processor_limit):
            return function(*arguments), "", ""
    except PdfError as error:
        return None, error.reason, error.detail
    except Exception as error:
        if _is_caused_by_memory_error(error):
            # Whatever filled the memory may still be there, so the next paper gets a new worker.
            os._exit(_OUT_OF_MEMORY)
        return None, "crashed", f"{type(error).__name__}: {error}"


@contextmanager
def _processor_limited(seconds: int) -> Iterator[None]:
    """Let the kernel end this process if it uses so many more seconds of a processor.

    The limit counts from the start of the process, so each task moves it. It is lifted before the
    result is sent: a worker that dies while it sends would leave the pipe locked.
    """
    import resource

    _, hard_limit = resource.getrlimit(resource.RLIMIT_CPU)
    limit = math.ceil(time.process_time()) + seconds
    if hard_limit != resource.RLIM_INFINITY:
        limit = min(limit, hard_limit)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard_limit))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (hard_limit, hard_limit))


def _confine(memory_limit: int) -> None:
    """Take from this worker what it does not need, before its first task."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # pebble's handler would run only after MuPDF returns.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        # Containers and some distributions refuse it. The worker then keeps the network.
        libc.unshare(_NEW_USER_AND_NETWORK)
        _die_with_parent(libc)
        _limit_memory(memory_limit)


def _die_with_parent(libc: ctypes.CDLL) -> None:
    """Let the kernel kill this process when its parent dies. A new user namespace resets this."""
    libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is None or os.getppid() != parent.pid:  # it died before
        os._exit(1)


def _is_caused_by_memory_error(error: BaseException | None) -> bool:
    """Whether the error or one of its causes is a MemoryError.

    PyMuPDF's C code wraps it in a SystemError.
    """
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _limit_memory(additional_bytes: int) -> None:
    """Limit this process's address space to what it uses now plus the given bytes."""
    import resource

    pages_in_use = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages_in_use * resource.getpagesize() + additional_bytes
    _, hard_limit = resource.getrlimit(resource.RLIMIT_AS)
    if hard_limit != resource.RLIM_INFINITY:
        limit = min(limit, hard_limit)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def secrets(environment: Mapping[str, str]) -> list[str]:
    """The variables that hold a secret, judged by their name, or a URL with a password."""
    names = []
    for name, value in environment.items():
        if _SECRET_NAME.search(name) or _SECRET_VALUE.search(value):
            names.append(name)
    return names


class _CleanProcess(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:
        with _without_secrets():
            return SpawnProcess._Popen(process_obj)


class _CleanContext(SpawnContext):
    """Starts processes without secrets in their environment, not even in /proc/<pid>/environ."""

    Process = _CleanProcess


@contextmanager
def _without_secrets() -> Iterator[None]:
    """Hide secrets from processes that start meanwhile.

    `os.unsetenv` does not change `os.environ`, where other threads still find their keys.
    """
    with _environment_lock:
        hidden = {name: os.environ[name] for name in secrets(os.environ)}
        for name in hidden:
            os.unsetenv(name)
        try:
            yield
        finally:
            for name, value in hidden.items():
                os.putenv(name, value)
