"""A run that Redis has lost before a worker took it."""

from pathlib import Path

import dagster as dg
import pytest

from papers_pipeline.runs import RunQueue
from papers_pipeline_tests.helpers.machines import (
    FAILURE,
    launch_backfill,
    running_deployment,
    until,
)
from papers_pipeline_tests.helpers.outside import Outside, kettles

DAY = "2026-03-02"


@pytest.mark.programs("initdb", "redis-server")
def test_a_run_that_redis_has_lost_starts_again(
    outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    outside.list(DAY, kettles(0))
    outside.offer(monkeypatch)
    with running_deployment(tmp_path, {}) as deployment:
        launch_backfill(deployment.daemon, [DAY])
        (record,) = until(lambda: deployment.runs(dg.DagsterRunStatus.STARTING), 300)
        run = record.dagster_run
        queue = deployment.instance.run_launcher
        assert isinstance(queue, RunQueue)
        until(lambda: queue.may_hold(run), 30)
        deployment.redis.stop()
        assert queue.may_hold(run)  # who knows
        deployment.redis.start()
        until(lambda: queue.may_hold(run), 30)  # it was on disk

        deployment.redis.forget()
        assert not queue.may_hold(run)
        deployment.workers[0].start_worker()
        until(lambda: deployment.built() == {DAY}, 600)
        assert [record.dagster_run.run_id for record in deployment.runs(FAILURE)] == [run.run_id]
