"""One process at a time holds a day, and a dead process holds nothing."""

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


def test_a_killed_holder_frees_the_lock_and_the_waiter_is_notified(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    threading.Timer(0.3, holder.kill).start()
    messages: list[str] = []
    started = time.monotonic()
    with locks.held(tmp_path, "2026-03-02", messages.append):
        waited = time.monotonic() - started
    holder.communicate()
    assert messages == ["another run holds 2026-03-02: waiting for it to end"]
    assert 0.2 < waited < 20


def test_days_are_locked_separately(tmp_path):
    messages: list[str] = []
    with (
        locks.held(tmp_path, "2026-03-02", messages.append),
        locks.held(tmp_path, "2026-03-03", messages.append),
    ):
        assert messages == []
