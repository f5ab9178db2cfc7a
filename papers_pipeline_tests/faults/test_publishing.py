"""Each target of publishing in every fault: what stays there, and what is told."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from papers_pipeline.site.publishing import programs
from papers_pipeline.site.publishing.errors import PublishError
from papers_pipeline.site.publishing.publish import publish
from papers_pipeline_tests.audit.matrix import Cell
from papers_pipeline_tests.helpers.speaking import endless, speaking

PAGE = "a page of the site"


@pytest.fixture
def site(tmp_path: Path) -> UPath:
    folder = tmp_path / "data" / "site"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    return UPath(folder)


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """Put a program of this name first on the path."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.fault(
    party="folder",
    fault="unreachable",
    kept="the site; the folder as it was",
    retried="no, then by the next publish",
    told="fix the cause and publish again",
)
def test_a_folder_that_cannot_be_made_is_named(cell: Cell, site: UPath, tmp_path: Path):
    (tmp_path / "www").write_text("no folder")
    with pytest.raises(PublishError) as raised:
        publish(site, str(tmp_path / "www" / "papers"))
    assert cell.told in str(raised.value)
    assert (tmp_path / "www").read_text() == "no folder"
    (tmp_path / "www").unlink()
    assert publish(site, str(tmp_path / "www" / "papers")).changed == 1


@pytest.mark.fault(
    party="folder",
    fault="damaged file",
    kept="every other file",
    retried="by the next publish",
    told="",
)
def test_a_damaged_file_of_the_folder_is_written_again(cell: Cell, site: UPath, tmp_path: Path):
    publish(site, str(tmp_path / "www"))
    (tmp_path / "www" / "index.html").write_text("a p")
    assert publish(site, str(tmp_path / "www")).changed == 1
    assert (tmp_path / "www" / "index.html").read_text() == PAGE


KILLED = """
import os, pathlib, signal, sys
from upath import UPath
from papers_pipeline.site.publishing.publish import publish

pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
publish(UPath(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.fault(
    party="folder",
    fault="killed process",
    kept="whole files, each the old or the new one",
    retried="by the next publish",
    told="",
)
def test_a_publish_that_is_killed_leaves_whole_files(cell: Cell, site: UPath, tmp_path: Path):
    target = tmp_path / "www"
    publish(site, str(target))
    (site / "index.html").write_text("new" * 1000)
    done = subprocess.run([sys.executable, "-c", KILLED, str(site), target], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (target / "index.html").read_text() == PAGE
    assert publish(site, str(target)).changed == 1
    assert (target / "index.html").read_text() == "new" * 1000


SLEEP = f"exec {sys.executable} -c 'import time; time.sleep(60)'"


def expect(cell: Cell, site: UPath, target: str) -> None:
    with pytest.raises(PublishError) as raised:
        publish(site, target)
    assert cell.told in str(raised.value)
    assert (site / "index.html").read_text() == PAGE


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            "echo 'ssh: port 22: Connection refused' >&2; exit 255",
            marks=pytest.mark.fault(
                party="rsync",
                fault="unreachable",
                kept="the site; rsync puts new files in place when all have come",
                retried="no, then by the next publish",
                told="rsync ended with status 255: ssh: port 22: Connection refused",
            ),
        ),
        pytest.param(
            SLEEP,
            marks=pytest.mark.fault(
                party="rsync",
                fault="slow or drips",
                kept="the site; rsync puts new files in place when all have come",
                retried="no, then by the next publish",
                told="rsync did not finish within 0.5 seconds",
            ),
        ),
        pytest.param(
            SLEEP,
            marks=pytest.mark.fault(
                party="rsync",
                fault="timeout",
                kept="the site; rsync puts new files in place when all have come",
                retried="no, then by the next publish",
                told="rsync did not finish within 0.5 seconds",
            ),
        ),
        pytest.param(
            "echo 'Permission denied (publickey).' >&2; exit 255",
            marks=pytest.mark.fault(
                party="rsync",
                fault="401 or 403",
                kept="the site; rsync puts new files in place when all have come",
                retried="no, then by the next publish",
                told="rsync ended with status 255: Permission denied (publickey).",
            ),
        ),
        pytest.param(
            "echo 'rsync: mkdir: No such file or directory (2)' >&2; exit 11",
            marks=pytest.mark.fault(
                party="rsync",
                fault="404",
                kept="the site; rsync puts new files in place when all have come",
                retried="no, then by the next publish",
                told="rsync ended with status 11: rsync: mkdir: No such file or directory (2)",
            ),
        ),
        pytest.param(
            "echo 'rsync: connection unexpectedly closed' >&2; exit 12",
            marks=pytest.mark.fault(
                party="rsync",
                fault="cut short",
                kept="the site; rsync puts new files in place when all have come",
                retried="no, then by the next publish",
                told="rsync ended with status 12: rsync: connection unexpectedly closed",
            ),
        ),
        pytest.param(
            "kill -9 $$",
            marks=pytest.mark.fault(
                party="rsync",
                fault="killed process",
                kept="the site; rsync puts new files in place when all have come",
                retried="no, then by the next publish",
                told="rsync ended with status -9",
            ),
        ),
        pytest.param(
            "echo 'rsync: write: No space left on device (28)' >&2; exit 11",
            marks=pytest.mark.fault(
                party="rsync",
                fault="full disk",
                kept="the site; rsync puts new files in place when all have come",
                retried="no, then by the next publish",
                told="rsync ended with status 11: rsync: write: No space left on device (28)",
            ),
        ),
    ],
)
def test_what_rsync_says_is_told(cell: Cell, site: UPath, tmp_path: Path, monkeypatch, script: str):
    monkeypatch.setattr(programs, "TIMEOUT_SECONDS", 0.5)
    asked = tmp_path / "asked"
    program(tmp_path / "bin", monkeypatch, "rsync", f'echo "$@" >> {asked}\n{script}')
    expect(cell, site, "rsync:there:/srv/papers")
    (once,) = asked.read_text().splitlines()
    assert "--delay-updates" in once


@pytest.mark.programs("rsync")
@pytest.mark.parametrize(
    "there",
    [
        pytest.param(
            "a p",
            marks=pytest.mark.fault(
                party="rsync",
                fault="damaged file",
                kept="every other file",
                retried="by the next publish",
                told="",
            ),
        ),
        pytest.param(
            "a page of somebody else",
            marks=pytest.mark.fault(
                party="rsync",
                fault="changed or withdrawn",
                kept="the site: the mirror is made like it",
                retried="by the next publish",
                told="",
            ),
        ),
    ],
)
def test_a_file_of_the_mirror_that_differs_is_sent_again(
    cell: Cell, site: UPath, tmp_path: Path, there: str
):
    target = tmp_path / "srv"
    publish(site, f"rsync:{target}")
    (target / "index.html").write_text(there)
    assert publish(site, f"rsync:{target}").changed == 1
    assert (target / "index.html").read_text() == PAGE


def status(code: int) -> Any:
    return lambda _: [f"HTTP/1.1 {code} no\r\nContent-Length: 0\r\n\r\n".encode()]


@pytest.mark.programs("git")
@pytest.mark.parametrize(
    ("answer", "pause_seconds"),
    [
        pytest.param(
            lambda _: [],
            0,
            marks=pytest.mark.fault(
                party="branch",
                fault="unreachable",
                kept="the site",
                retried="no, then by the next publish",
                told="does the remote exist, and may you push to it?",
            ),
        ),
        pytest.param(
            lambda _: endless(b"HTTP/1.1 200 OK\r\n\r\n"),
            0.05,
            marks=pytest.mark.fault(
                party="branch",
                fault="slow or drips",
                kept="the site",
                retried="no, then by the next publish",
                told="git did not finish within 2 seconds",
            ),
        ),
        pytest.param(
            lambda _: [b""],
            60,
            marks=pytest.mark.fault(
                party="branch",
                fault="timeout",
                kept="the site",
                retried="no, then by the next publish",
                told="git did not finish within 2 seconds",
            ),
        ),
        pytest.param(
            status(403),
            0,
            marks=pytest.mark.fault(
                party="branch",
                fault="401 or 403",
                kept="the site",
                retried="no, then by the next publish",
                told="The requested URL returned error: 403",
            ),
        ),
        pytest.param(
            status(404),
            0,
            marks=pytest.mark.fault(
                party="branch",
                fault="404",
                kept="the site",
                retried="no, then by the next publish",
                told="not found; does the remote exist, and may you push to it?",
            ),
        ),
        pytest.param(
            status(429),
            0,
            marks=pytest.mark.fault(
                party="branch",
                fault="429",
                kept="the site",
                retried="no, then by the next publish",
                told="The requested URL returned error: 429",
            ),
        ),
        pytest.param(
            status(503),
            0,
            marks=pytest.mark.fault(
                party="branch",
                fault="5xx",
                kept="the site",
                retried="no, then by the next publish",
                told="The requested URL returned error: 503",
            ),
        ),
        pytest.param(
            lambda _: [b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n001e"],
            0,
            marks=pytest.mark.fault(
                party="branch",
                fault="cut short",
                kept="the site",
                retried="no, then by the next publish",
                told="does the remote exist, and may you push to it?",
            ),
        ),
        pytest.param(
            lambda _: [b"HTTP/1.1 200 OK\r\n\r\n<html>good morning"],
            0,
            marks=pytest.mark.fault(
                party="branch",
                fault="malformed",
                kept="the site",
                retried="no, then by the next publish",
                told="does the remote exist, and may you push to it?",
            ),
        ),
        pytest.param(
            status(410),
            0,
            marks=pytest.mark.fault(
                party="branch",
                fault="changed or withdrawn",
                kept="the site",
                retried="no, then by the next publish",
                told="The requested URL returned error: 410",
            ),
        ),
    ],
)
def test_what_git_says_is_told(
    cell: Cell, site: UPath, tmp_path: Path, monkeypatch, answer: Any, pause_seconds: float
):
    monkeypatch.setattr(programs, "TIMEOUT_SECONDS", 2)
    monkeypatch.setenv("HOME", str(tmp_path))
    with speaking(answer, pause_seconds) as speaker:
        expect(cell, site, f"gh-pages:{speaker.url}/site.git")


@pytest.mark.programs("git")
@pytest.mark.parametrize(
    "hook",
    [
        pytest.param(
            "echo 'No space left on device' >&2; exit 1",
            marks=pytest.mark.fault(
                party="branch",
                fault="full disk",
                kept="the site; the branch as it was",
                retried="no, then by the next publish",
                told="No space left on device",
            ),
        ),
        pytest.param(
            "kill -9 $$",
            marks=pytest.mark.fault(
                party="branch",
                fault="killed process",
                kept="the site; the branch as it was",
                retried="no, then by the next publish",
                told="git ended with status 1",
            ),
        ),
    ],
    ids=["full disk", "killed"],
)
def test_a_push_that_does_not_come_to_an_end_moves_no_branch(
    cell: Cell, site: UPath, tmp_path: Path, hook: str
):
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    publish(site, f"gh-pages:{remote}")
    heads = [path.read_text() for path in remote.glob("refs/heads/*")]
    program(remote / "hooks", pytest.MonkeyPatch(), "pre-receive", hook)
    (site / "new.html").write_text("new")
    expect(cell, site, f"gh-pages:{remote}")
    assert [path.read_text() for path in remote.glob("refs/heads/*")] == heads
    (remote / "hooks" / "pre-receive").unlink()
    assert publish(site, f"gh-pages:{remote}").changed == 1
