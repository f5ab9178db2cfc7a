"""The disk, the ledger and Dagster's databases: what a fault leaves, and what is told."""

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from papers_pipeline.databases import FullDisk
from papers_pipeline.store import files as storage
from papers_pipeline_tests.audit.matrix import Cell
from papers_pipeline_tests.conftest import Outside, Pipeline
from papers_pipeline_tests.helpers.buying import Desk
from papers_pipeline_tests.helpers.disk import full
from papers_pipeline_tests.helpers.outside import FEED, kettles
from papers_pipeline_tests.helpers.terminal import one_line, papers

DAY = "2026-03-02"


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(
            "PAPERS_DATA_DIR",
            marks=pytest.mark.fault(
                party="disk",
                fault="unreachable",
                kept="all that is stored: nothing is bought",
                retried="by each build",
                told="can the folders of PAPERS_DATA_DIR and DAGSTER_HOME be written to?",
            ),
        ),
        pytest.param(
            "DAGSTER_HOME",
            marks=pytest.mark.fault(
                party="Dagster's databases",
                fault="unreachable",
                kept="all that is stored: nothing is bought",
                retried="by each build",
                told="can the folders of PAPERS_DATA_DIR and DAGSTER_HOME be written to?",
            ),
        ),
    ],
)
def test_a_folder_that_cannot_be_written_to_is_named(
    cell: Cell, outside: Outside, monkeypatch, tmp_path: Path, setting: str
):
    outside.offer(monkeypatch)
    outside.list(DAY, kettles(1))
    (tmp_path / "file").write_text("no folder")
    with monkeypatch.context() as unreachable:
        unreachable.setenv(setting, str(tmp_path / "file" / "folder"))
        result = papers("build", "--date", DAY)
    assert result.exit_code == 1
    assert cell.told in one_line(result.output)
    assert f"{tmp_path}/file" in "".join(result.output.split())
    assert outside.calls() == {}
    assert papers("build", "--date", DAY, "--only", *FEED).exit_code == 0


@pytest.mark.fault(
    party="disk",
    fault="full disk",
    kept="every file as it was; texts that were bought",
    retried="by each build",
    told="No space left on device",
)
def test_a_page_that_does_not_fit_on_the_disk_leaves_the_site(
    cell: Cell, bought: Pipeline, outside: Outside, monkeypatch
):
    before = bought.files()
    outside.list(DAY, kettles(1, 2, 3))
    with monkeypatch.context() as disk:
        disk.setattr(storage, "write", full("/site/"))
        report = bought.build_day(DAY)
    assert cell.told in report.error
    assert bought.files() == before
    outside.calls()
    assert bought.build_day(DAY).error is None
    assert outside.calls() == {}
    assert "Kettle 3" in bought.page(DAY)


KILLED = """
import os, pathlib, signal, sys
from upath import UPath
from papers_pipeline.store import files

pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
files.write(UPath(sys.argv[1]), b"new" * 1000)
"""


@pytest.mark.fault(
    party="disk",
    fault="killed process",
    kept="the file as it was",
    retried="by each build",
    told="",
)
def test_a_process_that_is_killed_while_it_writes_leaves_the_old_file(cell: Cell, tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, page], check=False)
    assert done.returncode == -signal.SIGKILL
    assert page.read_bytes() == b"old"
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["page.html"]


def no_room(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.fault(
    party="ledger",
    fault="full disk",
    kept="every line before; no request is sent without its line",
    retried="by each build",
    told="No space left on device",
)
def test_a_request_whose_line_does_not_fit_on_the_disk_is_not_sent(
    cell: Cell, outside: Outside, tmp_path: Path, monkeypatch
):
    desk = Desk(outside, tmp_path / "state")
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", no_room)
        row = desk.buy().row
    assert row.state == "failed"
    assert cell.told in row.detail
    assert outside.world.calls == []
    assert desk.buy().row.state == "done"


@pytest.mark.fault(
    party="ledger",
    fault="unreachable",
    kept="every line before; no request is sent without its line",
    retried="by each build",
    told="File exists: ",
)
def test_a_request_is_not_sent_without_a_ledger(cell: Cell, outside: Outside, tmp_path: Path):
    desk = Desk(outside, tmp_path / "state")
    folder = tmp_path / "state" / "ledger"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")
    row = desk.buy().row
    assert row.state == "failed"
    assert cell.told in row.detail
    assert outside.world.calls == []
    folder.unlink()
    assert desk.buy().row.state == "done"


@pytest.mark.fault(
    party="Dagster's databases",
    fault="full disk",
    kept="all that is stored; the run ends",
    retried="by each build",
    told="database or disk is full: make room and build again",
)
def test_a_database_that_does_not_fit_on_the_disk_ends_the_run(
    cell: Cell, outside: Outside, pipeline: Pipeline
):
    def no_room(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith(("INSERT", "UPDATE")):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorname = "SQLITE_FULL"
            raise error

    outside.list(DAY, kettles(1))
    pipeline.build(DAY, only=FEED)
    before = pipeline.rows("feed_listing", DAY)
    outside.list(DAY, kettles(1, 2))
    engine = pipeline.instance.run_storage._engine
    sqlalchemy.event.listen(engine, "before_cursor_execute", no_room)
    with pytest.raises(FullDisk, match=cell.told):
        pipeline.build(DAY, only=FEED)
    sqlalchemy.event.remove(engine, "before_cursor_execute", no_room)
    assert pipeline.rows("feed_listing", DAY) == before
    assert pipeline.build(DAY, only=FEED)[0].error is None
    assert len(pipeline.rows("feed_listing", DAY)) == 2
