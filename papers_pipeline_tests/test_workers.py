"""Workers on several machines, as far as no server is needed; `distributed/` has the rest."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from dagster._core.instance.ref import InstanceRef

from papers_pipeline.cli.main import main
from papers_pipeline.runs import MISSED_TAG, PROCESS_TAG, TAKEN_TAG, mark_dead_runs
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import coordination_of
from papers_pipeline.workers import run as process_of_run
from papers_pipeline.workers.launcher import WorkersLauncher
from papers_pipeline.workers.release import RELEASE_TAG, release_of

ROOT = Path(__file__).parents[1]
STARTED, STARTING = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING


@dg.job
def an_empty_job() -> None:
    pass


def a_run(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    tags: dict[str, str],
    parent: str | None = None,
) -> str:
    return instance.create_run_for_job(
        an_empty_job, status=status, tags=tags, parent_run_id=parent, root_run_id=parent
    ).run_id


def ended_process() -> str:
    """The name of a process of this machine that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return f"{socket.gethostname()}:{ended.pid}:1"


def test_a_run_that_is_started_again_does_not_die_of_the_process_of_the_first():
    coordination = coordination_of(load_settings())
    with dg.DagsterInstance.ephemeral() as instance:
        inherited = {PROCESS_TAG: ended_process()}
        first = a_run(instance, STARTED, inherited)
        again = a_run(instance, STARTING, inherited, parent=first)
        assert mark_dead_runs(instance, coordination) == [first]
        instance.add_run_tags(again, {PROCESS_TAG: ended_process()})
        assert mark_dead_runs(instance, coordination) == [again]


def test_a_run_that_a_worker_took_and_never_began_is_marked_failed_after_a_minute():
    coordination = coordination_of(load_settings())
    now = datetime.now(UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        a_run(instance, STARTING, {})
        a_run(instance, STARTING, {TAKEN_TAG: f"m1 {now.isoformat()}"})
        long_ago = now - timedelta(seconds=61)
        lost = a_run(instance, STARTING, {TAKEN_TAG: f"m1 {long_ago.isoformat()}"})
        assert mark_dead_runs(instance, coordination) == [lost]


class Queue:
    """A launcher whose queue holds some runs."""

    def __init__(self, *run_ids: str) -> None:
        self._run_ids = run_ids

    def may_hold(self, run: dg.DagsterRun) -> bool:
        return run.run_id in self._run_ids


def test_a_run_that_the_queue_has_lost_is_marked_failed_a_minute_after_it_was_missed(
    monkeypatch: pytest.MonkeyPatch,
):
    coordination = coordination_of(load_settings())
    now = datetime.now(UTC)
    long_ago = {MISSED_TAG: (now - timedelta(seconds=61)).isoformat()}
    with dg.DagsterInstance.ephemeral() as instance:
        new = a_run(instance, STARTING, {})
        waiting = a_run(instance, STARTING, long_ago)
        a_run(instance, STARTING, long_ago | {TAKEN_TAG: f"m1 {now.isoformat()}"})
        lost = a_run(instance, STARTING, long_ago)
        a_run(instance, STARTING, long_ago, parent=lost)  # inherits the tag
        assert mark_dead_runs(instance, coordination) == []  # no queue, nothing to lose
        queue = property(lambda _: Queue(waiting))
        monkeypatch.setattr(dg.DagsterInstance, "run_launcher", queue)
        assert mark_dead_runs(instance, coordination) == [lost]
        assert MISSED_TAG in tags_of(instance, new)
        (event,) = instance.all_logs(lost, of_type=dg.DagsterEventType.PIPELINE_FAILURE)
        assert "The queue lost it" in event.message


def tags_of(instance: dg.DagsterInstance, run_id: str) -> Mapping[str, str]:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.tags


def test_a_worker_with_other_prompts_refuses_a_run_by_a_sentence(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    release = release_of(load_settings())
    run_id = a_run(instance, STARTING, {RELEASE_TAG: release})
    changed = tmp_path / "prompts"
    changed.mkdir()
    prompt = (ROOT / "papers_pipeline" / "prompts" / "topic_tags.md").read_text(encoding="utf-8")
    (changed / "topic_tags.md").write_text(f"{prompt}\nBe brief.\n", encoding="utf-8")
    monkeypatch.setenv("PAPERS_PROMPTS_DIR", str(changed))
    ours = release_of(load_settings())
    assert ours != release
    assert process_of_run.main(run_id) == process_of_run.REFUSED
    process_of_run.refuse(run_id)
    run = instance.get_run_by_id(run_id)
    assert run
    assert run.status == dg.DagsterRunStatus.FAILURE
    (event,) = instance.all_logs(run_id, of_type=dg.DagsterEventType.PIPELINE_FAILURE)
    assert f"has {ours}, but the daemon that launched the run has {release}" in event.message


def test_a_run_that_is_not_about_to_start_is_left_alone(instance: dg.DagsterInstance):
    run_id = a_run(instance, dg.DagsterRunStatus.CANCELED, {})
    assert process_of_run.main(run_id) == 0
    run = instance.get_run_by_id(run_id)
    assert run
    assert run.status == dg.DagsterRunStatus.CANCELED


def test_the_dagster_yaml_of_several_machines_is_one_and_names_the_launcher(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PAPERS_PG_DAGSTER", "postgresql+psycopg2://papers@127.0.0.1:1/dagster")
    monkeypatch.setenv("PAPERS_BROKER", "redis://127.0.0.1:1/0")
    shutil.copy(ROOT / "deploy" / "several" / "dagster.yaml", tmp_path)
    reference = InstanceRef.from_dir(str(tmp_path))
    launcher = reference.run_launcher
    assert isinstance(launcher, WorkersLauncher)
    assert launcher.broker == "redis://127.0.0.1:1/0"
    # No run is delivered a second time, and no busy worker takes one that it cannot start.
    assert not launcher.celery.conf.task_acks_late
    assert launcher.celery.conf.worker_prefetch_multiplier == 1
    assert launcher.celery.conf.worker_disable_prefetch


def test_a_worker_needs_a_database_in_common_and_says_so():
    done = CliRunner().invoke(main, ["worker"])
    assert done.exit_code == 2
    assert "PAPERS_COORDINATION_URL is unset" in done.output
