"""Parsing in worker processes, so that a PDF that hangs, fills memory or crashes costs one paper.

A worker can be killed. It has limited time and memory, and no secrets in its environment.
"""

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
from typing import Any

import pebble

from papers_pipeline.base.per_paper import PaperFailed
from papers_pipeline.documents.pdf.parse import ParsedPdf, PdfError, parse_pdf

TIME_LIMIT = 60.0
"""Seconds for one paper. The slowest real paper takes one."""
MEMORY_LIMIT = 2 * 1024**3
"""Bytes of address space that a worker may add to what it uses before its first paper."""
WORKERS = 2

_OUT_OF_MEMORY = 77
"""Exit status of a worker that ran out of memory."""
_SECRET_NAME = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|DSN)$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"://[^/\s@]*:[^/\s@]+@")
_environment_lock = threading.Lock()

Parse = Callable[[Path], ParsedPdf]


class Parsers:
    """A pool of workers that parse PDFs. As a context manager, it stops them on exit.

    The workers start when the first PDF is parsed. `parse_file` runs in them, so it must be
    importable by name.
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
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    async def parse(self, path: Path) -> ParsedPdf:
        """The parsed PDF. Raises PaperFailed, never retryable.

        The reason is `timeout`, `out_of_memory`, `crashed`, or one of PdfError's.
        """
        future = self._pool.schedule(_work, args=(self._parse_file, path), timeout=self._time_limit)
        try:
            parsed, reason, detail = await asyncio.wrap_future(future)
        except TimeoutError:
            raise PaperFailed("timeout", f"after {self._time_limit:g} s", retryable=False) from None
        except pebble.ProcessExpired as error:
            reason = "out_of_memory" if error.exitcode == _OUT_OF_MEMORY else "crashed"
            detail = f"The worker exited with status {error.exitcode} without reporting a result."
            raise PaperFailed(reason, detail, retryable=False) from None
        except BrokenProcessPool as error:
            raise PaperFailed("crashed", str(error), retryable=False) from None
        if parsed is None:
            raise PaperFailed(reason, detail, retryable=False)
        return parsed


def _work(parse_file: Parse, path: Path) -> tuple[ParsedPdf | None, str, str]:
    """The parsed PDF, or None with a reason and a detail.

    Errors are returned as strings because not every exception can be pickled.
    """
    try:
        return parse_file(path), "", ""
    except PdfError as error:
        return None, error.reason, str(error.__cause__ or error)
    except Exception as error:
        if _is_caused_by_memory_error(error):
            # Whatever filled the memory may still be there, so the next paper gets a new worker.
            os._exit(_OUT_OF_MEMORY)
        return None, "crashed", f"{type(error).__name__}: {error}"


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
    """Limit this process's address space, on Linux, to what it uses now plus the given bytes."""
    if sys.platform != "linux":
        return
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
