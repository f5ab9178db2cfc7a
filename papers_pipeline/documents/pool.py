"""Parsing in worker processes, so that a PDF that hangs, eats memory or crashes MuPDF costs one paper only."""

import asyncio
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import pebble

from papers_pipeline.base.per_paper import PaperFailed
from papers_pipeline.documents.pdf.parse import ParsedPdf, PdfError, parse_pdf

TIME_LIMIT = 60.0
"""Seconds for one paper; the slowest of the real ones takes one."""
MEMORY_LIMIT = 2 * 1024**3
"""Bytes of address space that a worker may use beyond what it has before its first paper."""
WORKERS = 2

_OUT_OF_MEMORY = 77  # Exit status of a worker that gave up for want of memory.
_SECRET_NAME = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|DSN)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"://[^/\s@]*:[^/\s@]+@")
_environment_lock = threading.Lock()

Parse = Callable[[Path], ParsedPdf]


class Parsers:
    """A pool of killable workers that parse PDFs, as a context manager that ends them.

    ``parse_file`` is the function that the workers run; it has to be importable by its name.
    """

    def __init__(
        self,
        workers: int = WORKERS,
        *,
        time_limit: float = TIME_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
        parse_file: Parse = parse_pdf,
    ) -> None:
        self._time_limit = time_limit
        self._parse_file = parse_file
        self._pool = pebble.ProcessPool(
            max_workers=workers,
            initializer=_limit_memory,
            initargs=(memory_limit,),
            context=_CleanContext(),
        )

    def __enter__(self) -> "Parsers":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    async def parse(self, path: Path) -> ParsedPdf:
        """What the paper's PDF says. Raises PaperFailed, never retryable, with the reason `timeout`, `out_of_memory`,
        `crashed`, or one of PdfError's."""
        future = self._pool.schedule(_work, args=(self._parse_file, path), timeout=self._time_limit)
        try:
            parsed, reason, detail = await asyncio.wrap_future(future)
        except TimeoutError:
            raise PaperFailed("timeout", f"after {self._time_limit:g} s", retryable=False) from None
        except pebble.ProcessExpired as error:
            reason = "out_of_memory" if error.exitcode == _OUT_OF_MEMORY else "crashed"
            raise PaperFailed(reason, str(error), retryable=False) from None
        except BrokenProcessPool as error:
            raise PaperFailed("crashed", str(error), retryable=False) from None
        if parsed is None:
            raise PaperFailed(reason, detail, retryable=False)
        return parsed


def _work(parse_file: Parse, path: Path) -> tuple[ParsedPdf | None, str, str]:
    """The parsed paper, or the reason and its details: strings, because an exception may not survive the way back."""
    try:
        return parse_file(path), "", ""
    except PdfError as error:
        return None, error.reason, str(error.__cause__ or error)
    except Exception as error:
        if _is_for_want_of_memory(error):
            _give_up()
        return None, "crashed", f"{type(error).__name__}: {error}"


def _is_for_want_of_memory(error: BaseException | None) -> bool:
    """Whether the error, or one that led to it, is a MemoryError: PyMuPDF's C code wraps it in a SystemError."""
    while error and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None


def _give_up() -> NoReturn:
    """End the worker: what filled its memory may be there still, and the next paper deserves a fresh one."""
    os._exit(_OUT_OF_MEMORY)


def _limit_memory(beyond: int) -> None:
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + beyond
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def secrets(environment: Mapping[str, str]) -> list[str]:
    """The names of variables that hold a secret, by their names or as a URL with a password."""
    return [
        name
        for name, value in environment.items()
        if _SECRET_NAME.search(name) or _SECRET_VALUE.search(value)
    ]


class _CleanProcess(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:
        with _without_secrets():
            return SpawnProcess._Popen(process_obj)


class _CleanContext(SpawnContext):
    """Starts processes that have no secret in their environment, not even in /proc/<pid>/environ."""

    Process = _CleanProcess


@contextmanager
def _without_secrets() -> Iterator[None]:
    """Take the secrets out of what a process started now inherits.

    `os.unsetenv` leaves `os.environ` as it is, so that other threads go on to find their keys there.
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
