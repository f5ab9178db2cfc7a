"""The database of the coordination and of Dagster restarts while days are built."""

import time
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from papers_pipeline_tests.helpers.machines import (
    Deployment,
    launch_backfill,
    running_deployment,
    until,
)
from papers_pipeline_tests.helpers.outside import Outside, calls_for, kettles

DAYS = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
SOON = {
    "poll_interval_seconds: 10": "poll_interval_seconds: 2",
    "dead_after_seconds: 120": "dead_after_seconds: 10",
}
DEADLINE_SECONDS = 900.0


@pytest.mark.programs("initdb", "redis-server")
def test_a_restart_of_postgres_loses_no_day_and_buys_nothing_twice(
    outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for number, day in enumerate(DAYS):
        outside.list(day, kettles(number))
    outside.offer(monkeypatch)
    outside.world.latency.model_seconds = 3.0  # so that runs are under way
    with running_deployment(tmp_path, SOON) as deployment:
        for worker in deployment.workers:
            worker.start_worker(runs=1)
        launch_backfill(deployment.daemon, DAYS)
        until(lambda: all(deployment.on(worker) for worker in deployment.workers), DEADLINE_SECONDS)
        until(lambda: outside.world.calls, DEADLINE_SECONDS, each=0.05)
        deployment.postgres.stop()
        time.sleep(3)
        deployment.postgres.start()
        restarted = time.monotonic()
        until(lambda: built(deployment) == set(DAYS), DEADLINE_SECONDS)
        print(
            f"all days built {time.monotonic() - restarted:.0f} s after the restart, "
            f"{len(deployment.runs())} runs for {len(DAYS)} days"
        )
        assert outside.calls() == calls_for(papers=len(DAYS), tasks=len(DAYS))


def built(deployment: Deployment) -> set[str]:
    """The days that are built. A connection of before the restart fails once."""
    try:
        return deployment.built()
    except OperationalError:
        return set()
