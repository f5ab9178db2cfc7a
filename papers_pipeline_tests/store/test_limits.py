"""A limit holds over all processes of a machine."""

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


def test_two_processes_together_stay_below_the_limit_in_any_window(tmp_path):
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    times = sorted(
        float(line) for process in asking for line in process.communicate(timeout=60)[0].split()
    )
    assert len(times) == 12
    assert max(sum(start <= at < start + 0.95 for at in times) for start in times) <= 5


def test_limits_of_different_names_do_not_share(tmp_path):
    limits = [SharedLimit(tmp_path, name, 1, 60) for name in ("one", "two")]
    started = time.monotonic()
    for limit in limits:
        limit.acquire()
        limit.close()
    assert time.monotonic() - started < 5
