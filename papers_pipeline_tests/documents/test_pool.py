import asyncio
import multiprocessing
import os
import signal
import subprocess
import time
from pathlib import Path

import pymupdf
import pytest

from papers_pipeline.base.per_paper import PaperFailed
from papers_pipeline.documents.pdf.parse import ParsedPdf, PdfError
from papers_pipeline.documents.pool import Parsers, secrets

MEGABYTE = 1024**2


def misbehave(path: Path) -> ParsedPdf:
    """A parser that misbehaves as the file's name says."""
    match path.stem:
        case "hang":
            time.sleep(600)
        case "eat":
            eaten = []
            while True:
                eaten.append(bytearray(16 * MEGABYTE))
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "raise":
            raise Unpicklable("a bracket is missing")
        case "encrypted" | "empty" | "damaged" | "not_a_pdf":
            raise PdfError(path.stem)
        case "environment":
            return paper(Path("/proc/self/environ").read_text() + repr(dict(os.environ)))
    return paper(f"{path.stem} by {os.getpid()}")


class Unpicklable(Exception):
    def __reduce__(self) -> str:
        raise TypeError("cannot be pickled")


def paper(header: str) -> ParsedPdf:
    return ParsedPdf(header=header, sections=[], pages=1, arxiv_version=None)


def outcomes(parsers: Parsers, *names: str) -> list[str]:
    """The header of each file, or the reason of its failure. All are parsed at once."""

    async def one(name: str) -> str:
        try:
            return (await parsers.parse(Path(f"{name}.pdf"))).header
        except PaperFailed as failed:
            return f"{failed.reason}, again" if failed.retryable else failed.reason

    async def every() -> list[str]:
        return list(await asyncio.gather(*map(one, names)))

    return asyncio.run(every())


def test_a_paper_that_hangs_fills_memory_or_crashes_does_not_affect_others():
    started = time.monotonic()
    with Parsers(2, time_limit=3, memory_limit=128 * MEGABYTE, parse_file=misbehave) as parsers:
        found = outcomes(
            parsers, "one", "hang", "two", "eat", "three", "crash", "four", "five", "six"
        )
    assert [outcome.split(" by ")[0] for outcome in found] == [
        *("one", "timeout", "two", "out_of_memory", "three", "crashed", "four", "five", "six")
    ]
    assert time.monotonic() - started < 20


def test_other_failures_have_a_reason_and_leave_the_worker_alive():
    reasons = ["encrypted", "empty", "damaged", "not_a_pdf"]
    with Parsers(1, parse_file=misbehave) as parsers:
        before, *found, raised, after = outcomes(parsers, "before", *reasons, "raise", "after")
    assert found == reasons
    assert raised == "crashed"
    assert before.split(" by ")[1] == after.split(" by ")[1]


def test_a_failure_has_the_error_of_the_worker():
    with Parsers(1, parse_file=misbehave) as parsers, pytest.raises(PaperFailed) as failure:
        asyncio.run(parsers.parse(Path("raise.pdf")))
    assert (failure.value.reason, failure.value.detail) == (
        "crashed",
        "Unpicklable: a bracket is missing",
    )


def test_workers_start_with_the_first_paper():
    with Parsers(1, parse_file=misbehave) as parsers:
        assert multiprocessing.active_children() == []
        outcomes(parsers, "one")
        assert len(multiprocessing.active_children()) == 1
    assert multiprocessing.active_children() == []


def test_crash_reports_the_exit_status():
    with Parsers(1, parse_file=misbehave) as parsers, pytest.raises(PaperFailed) as failure:
        asyncio.run(parsers.parse(Path("crash.pdf")))
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
    with Parsers(1, parse_file=misbehave) as parsers:
        (seen,) = outcomes(parsers, "environment")
    assert "plain-example-5" in seen
    assert not [
        name
        for name, value in given.items()
        if name != "EXAMPLE_PLAIN" and (name in seen or value in seen)
    ]
    assert {name: os.environ[name] for name in given} == given


def test_other_child_processes_still_receive_keys(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXAMPLE_API_KEY", "sk-example-1")
    with Parsers(1, parse_file=misbehave) as parsers:
        outcomes(parsers, "one")
    assert subprocess.check_output(["printenv", "EXAMPLE_API_KEY"], text=True) == "sk-example-1\n"


@pytest.mark.parametrize(
    "name", ["HF_TOKEN", "OPENAI_API_KEY", "aws_secret_access_key", "DB_PASSWORD", "CREDENTIALS"]
)
def test_names_of_secrets(name: str):
    assert secrets({name: "x", "PATH": "/bin", "HOME": "/home/ada", "LANG": "C"}) == [name]


def test_workers_end_with_the_context():
    with Parsers(1, parse_file=misbehave) as parsers:
        worker = int(outcomes(parsers, "one")[0].split(" by ")[1])
        os.kill(worker, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_after_a_cancelled_paper_the_next_is_parsed():
    with Parsers(1, parse_file=misbehave) as parsers:

        async def impatient() -> str:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(parsers.parse(Path("hang.pdf")), 1.5)
            return (await parsers.parse(Path("next.pdf"))).header

        assert asyncio.run(impatient()).startswith("next by")


def test_real_file_is_parsed(tmp_path: Path):
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 200), "1 Introduction", fontname="hebo", fontsize=14)
        document.save(tmp_path / "a.pdf")
    with Parsers(1) as parsers:
        parsed = asyncio.run(parsers.parse(tmp_path / "a.pdf"))
    assert isinstance(parsed, ParsedPdf)
    assert parsed.pages == 1
