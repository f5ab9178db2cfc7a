"""Dagster's databases stay open, and hold what many threads write at once."""

import logging
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest

from papers_pipeline import home
from papers_pipeline.databases import LOST_WITH, OPEN_RUNS, DamagedDatabase, Databases
from papers_pipeline.settings import load_settings


@pytest.fixture
def databases(instance: dg.DagsterInstance) -> Databases:
    storage = instance.get_ref().storage
    assert isinstance(storage, Databases)
    return storage


def test_a_new_home_uses_them_in_the_files_of_dagsters_own(tmp_path: Path):
    with home.instance(load_settings()) as instance:
        assert isinstance(instance.get_ref().storage, Databases)
    assert (tmp_path / "home" / "history" / "runs.db").exists()
    assert (tmp_path / "home" / "history" / "runs" / "index.db").exists()
    assert (tmp_path / "home" / "schedules" / "schedules.db").exists()


def test_many_threads_write_at_once(instance: dg.DagsterInstance):
    runs = [instance.create_run_for_job(nothing) for _ in range(4)]

    def report(number: int) -> None:
        instance.report_engine_event(f"event {number}", runs[number % len(runs)])

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(report, range(64)))
    said = set()
    for run in runs:
        for record in instance.all_logs(run.run_id):
            said.add(record.message)
    assert {f"event {number}" for number in range(64)} <= said


def test_one_connection_may_be_asked_for_inside_another(databases: Databases):
    """Dagster does so when it stores a backfill."""
    with databases._run_storage.connect(), databases._run_storage.connect() as inner:
        assert inner.exec_driver_sql("SELECT 1").scalar() == 1


def test_databases_of_old_runs_are_closed_and_open_again(databases: Databases):
    events = databases._event_log_storage
    names = [str(uuid.uuid4()) for _ in range(3 * OPEN_RUNS)]
    for name in names:
        with events.run_connection(name) as connection:
            connection.exec_driver_sql("CREATE TABLE mine (value)")
    assert len(events._open) <= OPEN_RUNS + 1
    for name in names:
        with events.run_connection(name) as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM mine").scalar() == 0


def test_a_deleted_run_leaves_no_open_database(databases: Databases):
    events = databases._event_log_storage
    name = str(uuid.uuid4())
    with events.run_connection(name):
        assert name in events._open
    events.delete_events(name)
    assert name not in events._open


@dg.job
def nothing() -> None: ...


def opened_and_used() -> int:
    """Open the home, use all its databases, and return how many runs it knows."""
    with home.instance(load_settings()) as instance:
        run = instance.create_run_for_job(nothing)
        instance.report_engine_event("begun", run)
        assert instance.all_asset_keys() == []
        assert instance.all_instigator_state() == []
        return len(instance.get_runs())


@pytest.mark.parametrize("name", LOST_WITH)
@pytest.mark.parametrize(
    "damage",
    [lambda content: b"no database" * 999, lambda content: content[: len(content) // 2]],
    ids=["text", "cut short"],
)
@pytest.mark.fault(
    party="Dagster's databases",
    fault="damaged file",
    kept="the other databases; all tables and texts",
    retried="no",
    told="Lost: ",
)
def test_a_damaged_database_is_set_aside_and_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, damage: Callable[[bytes], bytes]
):
    opened_and_used()
    path = tmp_path / "home" / name
    content = damage(path.read_bytes())
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        runs = opened_and_used()
    assert runs == (1 if name == "history/runs.db" else 2)
    assert path.with_suffix(".damaged").read_bytes() == content
    assert f"Lost: {LOST_WITH[name]}" in caplog.text
    assert opened_and_used() == runs + 1
    assert caplog.text.count("was damaged") == 1


@pytest.mark.fault(
    party="Dagster's databases",
    fault="malformed",
    kept="the file",
    retried="no",
    told="rename the file and start again",
)
def test_damage_inside_a_database_names_the_file_and_the_way_out(tmp_path: Path):
    with home.instance(load_settings()) as instance:
        for _ in range(60):
            instance.create_run_for_job(nothing)
    path = tmp_path / "home" / "history" / "runs.db"
    content = path.read_bytes()
    path.write_bytes(content[:-60_000] + b"\xff" * 60_000)
    with (
        pytest.raises(
            DamagedDatabase, match=f"{path} is damaged .*rename the file and start again"
        ),
        home.instance(load_settings()) as instance,
    ):
        instance.get_runs()
