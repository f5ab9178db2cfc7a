"""Runs `papers` as a process of its own at a given time. It starts as a copy of a warm one."""

import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.context import ForkServerContext
from pathlib import Path

LONGEST_SECONDS = 300
WARM = "papers_pipeline_tests.chaos.warm"


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status, or the number of the signal below zero."""

    status: int
    output: str
    is_killed: bool = False
    seconds: float = 0.0


class Processes:
    """Starts commands with these settings, and keeps what they print in a file."""

    def __init__(self, settings: Mapping[str, str], output: Path) -> None:
        self.settings = dict(settings)
        self._output = output
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([WARM])

    def run(
        self,
        now: datetime,
        *arguments: str,
        kill_after: float | None = None,
        largest_file: int | None = None,
    ) -> Ended:
        """Run a command; with `kill_after` seconds, kill it then, unless it has ended.

        With `largest_file`, the system refuses to make a file longer than so many bytes.
        """
        given = (self.settings, now, arguments, self._output, largest_file)
        started = time.monotonic()
        process = self._context.Process(target=_run, args=given)
        process.start()
        process.join(LONGEST_SECONDS if kill_after is None else kill_after)
        is_killed = process.exitcode is None and kill_after is not None
        if process.exitcode is None:
            process.kill()
            process.join()
        output = self._output.read_text(encoding="utf-8", errors="replace")
        status = process.exitcode if process.exitcode is not None else -signal.SIGKILL
        return Ended(status, output, is_killed, time.monotonic() - started)


def _run(
    settings: Mapping[str, str],
    now: datetime,
    arguments: tuple[str, ...],
    output: Path,
    largest_file: int | None,
) -> None:
    from papers_pipeline.base.clock import FixedClock
    from papers_pipeline.cli.main import main

    os.environ.update(settings)
    os.chdir(output.parent)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    if largest_file is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    try:
        main.main(list(arguments), obj=FixedClock(now), prog_name="papers")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
