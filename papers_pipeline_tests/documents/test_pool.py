import asyncio
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pymupdf
import pytest

from papers_pipeline.base.per_paper import PaperFailed
from papers_pipeline.documents.pdf.parse import PdfError, parse_pdf
from papers_pipeline.documents.pool import Workers, secrets

MEGABYTE = 1024**2


def misbehave(name: str) -> str:
    """A task that misbehaves as its name says."""
    match name:
        case "hang":
            time.sleep(600)
        case "spin":
            while True:
                pass
        case "eat":
            eaten = []
            while True:
                eaten.append(bytearray(16 * MEGABYTE))
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "raise":
            raise Unpicklable("a bracket is missing")
        case "encrypted" | "empty" | "damaged" | "not_a_pdf":
            raise PdfError(name)
        case "environment":
            return Path("/proc/self/environ").read_text() + repr(dict(os.environ))
        case "limits":
            names = ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_CORE")
            return repr({name: resource.getrlimit(getattr(resource, name))[0] for name in names})
        case "network":
            return repr(sorted(name for _, name in socket.if_nameindex()))
    return f"{name} by {os.getpid()}"


class Unpicklable(Exception):
    def __reduce__(self) -> str:
        raise TypeError("cannot be pickled")


def outcomes(workers: Workers, *names: str) -> list[str]:
    """What each task says, or the reason of its failure. All are scheduled at once."""

    async def one(name: str) -> str:
        try:
            return await workers.run(misbehave, name)
        except PaperFailed as failed:
            return f"{failed.reason}, again" if failed.retryable else failed.reason

    async def every() -> list[str]:
        return list(await asyncio.gather(*map(one, names)))

    return asyncio.run(every())


def test_a_paper_that_hangs_fills_memory_or_crashes_does_not_affect_others():
    started = time.monotonic()
    with Workers(2, time_limit=3, memory_limit=128 * MEGABYTE) as workers:
        found = outcomes(
            workers, "one", "hang", "two", "eat", "three", "crash", "four", "five", "six"
        )
    assert [outcome.split(" by ")[0] for outcome in found] == [
        *("one", "timeout", "two", "out_of_memory", "three", "crashed", "four", "five", "six")
    ]
    assert time.monotonic() - started < 20


def test_other_failures_have_a_reason_and_leave_the_worker_alive():
    reasons = ["encrypted", "empty", "damaged", "not_a_pdf"]
    with Workers(1) as workers:
        before, *found, raised, after = outcomes(workers, "before", *reasons, "raise", "after")
    assert found == reasons
    assert raised == "crashed"
    assert before.split(" by ")[1] == after.split(" by ")[1]


def test_a_failure_has_the_error_of_the_worker():
    with Workers(1) as workers, pytest.raises(PaperFailed) as failure:
        asyncio.run(workers.run(misbehave, "raise"))
    assert (failure.value.reason, failure.value.detail) == (
        "crashed",
        "Unpicklable: a bracket is missing",
    )


def test_workers_start_with_the_first_paper():
    with Workers(1) as workers:
        assert multiprocessing.active_children() == []
        outcomes(workers, "one")
        assert len(multiprocessing.active_children()) == 1
    assert multiprocessing.active_children() == []


def test_crash_reports_the_exit_status():
    with Workers(1) as workers, pytest.raises(PaperFailed) as failure:
        asyncio.run(workers.run(misbehave, "crash"))
    assert "exited with status -11 without reporting a result" in str(failure.value)


def test_worker_sees_no_secret(monkeypatch: pytest.MonkeyPatch):
    given = {
        "EXAMPLE_API_KEY": "sk-example-1",
        "EXAMPLE_TOKEN": "token-example-2",
        "EXAMPLE_PASSWORD": "word-example-3",
        "EXAMPLE_URL": "https://ada:word-example-4@example.org",
        "EXAMPLE_PLAIN": "plain-example-5",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with Workers(1) as workers:
        (seen,) = outcomes(workers, "environment")
    assert "plain-example-5" in seen
    assert not [
        name
        for name, value in given.items()
        if name != "EXAMPLE_PLAIN" and (name in seen or value in seen)
    ]
    assert {name: os.environ[name] for name in given} == given


def test_other_child_processes_still_receive_keys(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXAMPLE_API_KEY", "sk-example-1")
    with Workers(1) as workers:
        outcomes(workers, "one")
    assert subprocess.check_output(["printenv", "EXAMPLE_API_KEY"], text=True) == "sk-example-1\n"


@pytest.mark.parametrize(
    "name", ["HF_TOKEN", "OPENAI_API_KEY", "aws_secret_access_key", "DB_PASSWORD", "CREDENTIALS"]
)
def test_names_of_secrets(name: str):
    assert secrets({name: "x", "PATH": "/bin", "HOME": "/home/ada", "LANG": "C"}) == [name]


def test_workers_end_with_the_context():
    with Workers(1) as workers:
        worker = int(outcomes(workers, "one")[0].split(" by ")[1])
        os.kill(worker, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_after_a_cancelled_paper_the_next_is_parsed():
    with Workers(1) as workers:

        async def impatient() -> str:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(workers.run(misbehave, "hang"), 1.5)
            return await workers.run(misbehave, "next")

        assert asyncio.run(impatient()).startswith("next by")


def test_real_file_is_parsed(tmp_path: Path):
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 200), "1 Introduction", fontname="hebo", fontsize=14)
        document.save(tmp_path / "a.pdf")
    with Workers(1) as workers:
        parsed = asyncio.run(workers.run(parse_pdf, tmp_path / "a.pdf"))
    assert parsed.pages == 1


def test_a_task_that_only_computes_ends_at_its_share_of_the_processor():
    with Workers(1, processor_limit=1) as workers:
        before, spun, after = outcomes(workers, "one", "spin", "two")
    assert (before.split()[0], spun, after.split()[0]) == ("one", "timeout", "two")


def test_each_task_has_the_whole_share_of_the_processor():
    with Workers(1, processor_limit=100) as workers:
        limits = [eval(said) for said in outcomes(workers, "limits", "limits")]
    for limit in limits:
        assert 100 <= limit["RLIMIT_CPU"] < 130
        assert limit["RLIMIT_AS"] != resource.RLIM_INFINITY
        assert limit["RLIMIT_CORE"] == 0


PARENT = """
import asyncio, multiprocessing, sys, threading
from papers_pipeline.documents.pool import Workers
from papers_pipeline_tests.documents.test_pool import misbehave

if __name__ == "__main__":
    with Workers(1) as workers:
        async def main():
            await workers.run(misbehave, "one")
            print(multiprocessing.active_children()[0].pid, flush=True)
            await workers.run(misbehave, "spin")
        asyncio.run(main())
"""


def test_a_worker_does_not_outlive_a_killed_parent(tmp_path: Path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as parent:
        worker = int(parent.stdout.readline())
        parent.kill()
    given_up_at = time.monotonic() + 30
    while is_running(worker) and time.monotonic() < given_up_at:
        time.sleep(0.05)
    assert not is_running(worker)


def is_running(pid: int) -> bool:
    """Whether the process exists and is not only waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_has_no_network_where_a_namespace_of_its_own_is_allowed():
    tried = [sys.executable, "-c", "import ctypes; print(ctypes.CDLL(None).unshare(0x50000000))"]
    is_allowed = subprocess.check_output(tried, text=True) == "0\n"
    with Workers(1) as workers:
        (seen,) = outcomes(workers, "network")
    interfaces = [name for _, name in socket.if_nameindex()]
    assert (seen == "['lo']") == (is_allowed or interfaces == ["lo"])


def test_workers_stop_when_the_last_user_leaves_and_start_again():
    workers = Workers(1)
    with workers:
        with workers:
            (first,) = outcomes(workers, "one")
        (second,) = outcomes(workers, "two")
    assert multiprocessing.active_children() == []
    with workers:
        (third,) = outcomes(workers, "three")
    pids = [said.split(" by ")[1] for said in (first, second, third)]
    assert pids[0] == pids[1] != pids[2]
    assert multiprocessing.active_children() == []
