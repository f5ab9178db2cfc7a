"""Limits apply across all processes of a machine."""

import subprocess
import sys
import time

from papers_pipeline.store.limits import SharedLimit

PROCESS = """
import sys, pathlib
from papers_pipeline.store.limits import SharedLimit
limit = SharedLimit(pathlib.Path(sys.argv[1]), "llm", 5, 3600)
for _ in range(5):
    limit.acquire()
    with pathlib.Path(sys.argv[2]).open("a") as file:
        file.write("x")
"""


def test_two_processes_together_stay_at_the_limit(tmp_path):
    allowed = tmp_path / "allowed"
    arguments = [sys.executable, "-c", PROCESS, str(tmp_path / "limits"), str(allowed)]
    asking = [subprocess.Popen(arguments) for _ in range(2)]
    deadline = time.monotonic() + 120
    while not allowed.exists() or len(allowed.read_text()) < 5:
        assert time.monotonic() < deadline, "fewer than the limit were allowed"
        time.sleep(0.02)
    time.sleep(0.5)  # in which a sixth would come: an hour is not over on the slowest machine
    assert len(allowed.read_text()) == 5
    for process in asking:
        process.kill()
        process.wait()


def test_after_the_window_there_are_more(tmp_path):
    limit = SharedLimit(tmp_path, "llm", 2, 0.2)
    started = time.monotonic()
    for _ in range(5):
        limit.acquire()
    limit.close()
    # Two at once, two a window later, one another window later. Clocks tick in milliseconds.
    assert time.monotonic() - started >= 0.39


def test_limits_of_different_names_do_not_share(tmp_path):
    limits = [SharedLimit(tmp_path, name, 1, 3600) for name in ("one", "two")]
    for limit in limits:
        limit.acquire()  # would wait an hour
        limit.close()
