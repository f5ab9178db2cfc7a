"""What becomes of a day whose worker is stopped or killed, and of one that is terminated."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from papers_pipeline.runs import PARTITION_TAG
from papers_pipeline_tests.helpers.machines import (
    STARTED,
    SUCCESS,
    Deployment,
    Machine,
    launch_backfill,
    running_deployment,
    until,
)
from papers_pipeline_tests.helpers.outside import Outside, kettles

DAYS = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
ONE_BY_ONE = {"max_concurrent_runs: 4": "max_concurrent_runs: 1"}
DEADLINE_SECONDS = 900.0


@pytest.fixture
def deployment(
    outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    for number, day in enumerate(DAYS):
        outside.list(day, kettles(number))
    outside.world.latency.model_seconds = 3.0  # a day lasts while we look
    outside.offer(monkeypatch)
    with running_deployment(tmp_path, ONE_BY_ONE) as made:
        yield made


@pytest.mark.programs("initdb", "redis-server")
def test_days_outlive_their_workers_and_a_terminated_one_stays_terminated(deployment: Deployment):
    first, second = deployment.workers
    second.is_apart = False  # where a namespace ends, so do all its processes
    first.start_worker(runs=1)
    launch_backfill(deployment.daemon, DAYS)

    run_id = begun_on(deployment, first)
    first.ask_to_stop()
    until(lambda: not first.is_running(), DEADLINE_SECONDS)
    assert status_of(deployment, run_id) == SUCCESS  # it ended its day first

    second.start_worker(runs=1)
    run_id = begun_on(deployment, second)
    kill_all_but_the_run(second, run_id)
    until(lambda: status_of(deployment, run_id) != STARTED, DEADLINE_SECONDS)
    assert status_of(deployment, run_id) == SUCCESS  # nobody called it dead meanwhile

    second.start_worker(runs=1)
    run_id = begun_on(deployment, second)
    day = day_of(deployment, run_id)
    assert deployment.instance.run_launcher.terminate(run_id)
    until(lambda: status_of(deployment, run_id) != STARTED, DEADLINE_SECONDS)
    until(lambda: len(deployment.built()) == 3, DEADLINE_SECONDS)
    assert status_of(deployment, run_id) == dg.DagsterRunStatus.CANCELED
    assert deployment.built() == set(DAYS) - {day}
    assert len(deployment.runs()) == len(DAYS)  # and none was started again


def begun_on(deployment: Deployment, machine: Machine) -> str:
    """The id of the run that is under way on a machine."""
    (run_id,) = until(lambda: deployment.on(machine), DEADLINE_SECONDS)
    return str(run_id)


def status_of(deployment: Deployment, run_id: str) -> dg.DagsterRunStatus:
    run = deployment.instance.get_run_by_id(run_id)
    assert run
    return run.status


def day_of(deployment: Deployment, run_id: str) -> str:
    run = deployment.instance.get_run_by_id(run_id)
    assert run
    return run.tags[PARTITION_TAG]


def kill_all_but_the_run(machine: Machine, run_id: str) -> None:
    """Kill the worker and its pool. The process that builds the day stays."""
    for process in machine.processes():
        if run_id not in process.cmdline():
            process.kill()
    until(lambda: not machine.is_running(), 30)
