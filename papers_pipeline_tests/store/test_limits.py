"""Limits apply across all processes of a machine."""

import subprocess
import sys
import time

from papers_pipeline.store.limits import SharedLimit

PROCESS = """
import sys, time, pathlib
from papers_pipeline.store.limits import SharedLimit
limit = SharedLimit(pathlib.Path(sys.argv[1]), "llm", 5, 1.0)
for _ in range(6):
    limit.acquire()
    print(time.time(), flush=True)
"""


def test_two_processes_share_one_limit(tmp_path):
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    times = []
    for process in asking:
        output, _ = process.communicate(timeout=60)
        times += map(float, output.split())
    assert len(times) == 12
    for start in times:
        in_window = [at for at in times if start <= at < start + 0.95]
        assert len(in_window) <= 5


def test_limits_with_different_names_are_independent(tmp_path):
    limits = [SharedLimit(tmp_path, name, 1, 60) for name in ("one", "two")]
    started = time.monotonic()
    for limit in limits:
        limit.acquire()
        limit.close()
    assert time.monotonic() - started < 5
