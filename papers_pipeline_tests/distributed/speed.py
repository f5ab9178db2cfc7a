"""How long two workers take, against one, and what a run on a worker costs before its first step.

python -m papers_pipeline_tests.distributed.speed [DAYS] [SECONDS A MODEL TAKES]

All workers share the processors of this computer, as machines would not. So a worker takes one run
at a time here, and the models take most of its time.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import pytest

from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.world import World
from papers_pipeline.settings import setting_names
from papers_pipeline_tests.helpers.machines import (
    CONFIG,
    Deployment,
    launch_backfill,
    running_deployment,
    until,
)
from papers_pipeline_tests.helpers.outside import LONG_AGO, Outside, kettles


def main(days: int, model_seconds: float) -> None:
    """Print both."""
    one, on_worker = timed(days, model_seconds, workers=1)
    print(f"one worker: {days} days in {one:.0f} s", flush=True)
    two, _ = timed(days, model_seconds, workers=2)
    print(f"two workers: {two:.0f} s, {two / one:.2f} of that", flush=True)
    _, by_default = timed(2, 0.0, workers=0)
    print(
        f"from launch to start: median {statistics.median(on_worker):.1f} s on a worker, "
        f"{statistics.median(by_default):.1f} s with Dagster's own launcher"
    )


def timed(days: int, model_seconds: float, workers: int) -> tuple[float, list[float]]:
    """Seconds until the last day was built, and from each run's launch to its start.

    Without workers, the daemon starts the runs itself.
    """
    names = [f"2026-03-{number:02}" for number in range(1, days + 1)]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as environment:
        for name in setting_names():
            environment.delenv(name, raising=False)
        environment.chdir(folder)
        environment.setenv("PAPERS_DATA_DIR", f"{folder}/data")
        world = World(folder=Path(folder) / "outside", now=LONG_AGO)
        world.latency.model_seconds = model_seconds
        with running(world) as url:
            outside = Outside(world, url)
            outside.offer(environment)
            for name in ("HF_ENDPOINT", "ARXIV_ENDPOINT"):
                environment.setenv(name, url)
            for number, day in enumerate(names):
                outside.list(day, kettles(2 * number, 2 * number + 1))
            with running_deployment(Path(folder), _changes(workers)) as deployment:
                for machine in deployment.workers[:workers]:
                    machine.start_worker(runs=1)
                return _run(deployment, names)


def _changes(workers: int) -> dict[str, str]:
    """No more runs at once than the workers take."""
    changes = {"max_concurrent_runs: 4": f"max_concurrent_runs: {workers or 1}"}
    if not workers:
        config = CONFIG.read_text(encoding="utf-8")
        launcher = config[config.index("run_launcher:") : config.index("telemetry:")]
        changes[launcher] = ""
    return changes


def _run(deployment: Deployment, days: list[str]) -> tuple[float, list[float]]:
    time.sleep(20)  # until daemon and workers are up
    launch_backfill(deployment.daemon, days)
    until(lambda: deployment.built() == set(days), 3600)
    begins, ends, starts = [], [], []
    for record in deployment.runs():
        stats = deployment.instance.get_run_stats(record.dagster_run.run_id)
        assert stats.launch_time, stats.start_time
        begins.append(stats.launch_time)
        starts.append((stats.start_time or 0) - stats.launch_time)
        ends.append(stats.end_time or 0)
    return max(ends) - min(begins), starts


if __name__ == "__main__":
    days, seconds = [*sys.argv[1:], "6", "15"][:2]
    main(int(days), float(seconds))
