"""A day is held by one process at a time, and a dead process holds nothing."""

import subprocess
import sys
import threading
import time

from papers_pipeline.store import locks

HOLDER = """
import sys, time, pathlib
from papers_pipeline.store import locks
with locks.held(pathlib.Path(sys.argv[1]), "2026-03-02"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_holder_frees_the_lock_and_the_waiter_was_told(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    threading.Timer(0.3, holder.kill).start()
    told: list[str] = []
    started = time.monotonic()
    with locks.held(tmp_path, "2026-03-02", told.append):
        waited = time.monotonic() - started
    holder.communicate()
    assert told == ["another run holds 2026-03-02: waiting for it to end"]
    assert 0.2 < waited < 20


def test_days_do_not_wait_for_each_other(tmp_path):
    told: list[str] = []
    with (
        locks.held(tmp_path, "2026-03-02", told.append),
        locks.held(tmp_path, "2026-03-03", told.append),
    ):
        assert told == []
