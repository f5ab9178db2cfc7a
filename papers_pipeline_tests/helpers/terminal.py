"""Runs `papers` in this process or as a process of its own, and waits for what happens there."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from click.testing import CliRunner, Result

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.cli.main import main
from papers_pipeline_tests.helpers.outside import LONG_AGO

PAPERS = Path(sys.executable).with_name("papers")


def papers(*arguments: str, now: datetime = LONG_AGO) -> Result:
    """Run a command in this process at a given time."""
    return CliRunner().invoke(main, list(arguments), obj=FixedClock(now))


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start a command as a process of its own, on the machine's clock."""
    return subprocess.Popen(
        [PAPERS, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def one_line(text: str) -> str:
    """The text without the line breaks that a terminal's width put into it."""
    return " ".join(text.split())


def wait_until(is_so: Callable[[], object], seconds: float = 120) -> None:
    """Wait for a condition; the limit only keeps a fault from waiting for ever."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"nothing happened for {seconds} s"
        time.sleep(0.02)
