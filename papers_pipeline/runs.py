"""Execute jobs in this process, find dead runs and the first error of a failed one.

A killed run stays STARTED forever and would block its day. Each run is therefore tagged with its
process, and runs of this machine whose process is gone are marked as failed by a sensor and
whenever the CLI or `make dev` starts. The process of a run on a worker holds the run's lock
instead, so that every machine can tell whether it lives.
"""

import os
import socket
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from papers_pipeline.coordination.interface import Coordination

PARTITION_TAG = "dagster/partition"
"""Dagster's own tag: the day of a run, or the first day of its week or month."""
PROCESS_TAG = "papers/process"
TAKEN_TAG = "papers/taken"
"""When a worker took the run from the queue."""
START_TIME = timedelta(seconds=60)
"""How long a run that was taken may need until its process holds the run's lock."""
SITE_TAG = "papers/site"
"""Tag of runs that build pages spanning days; `dagster.yaml` allows one of them at a time."""
SITE_ASSETS = ("monthly_pages", "weekly_pages", "site_index", "search_index")
UNFINISHED = [
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.CANCELING,
]


IN_TERMINAL = {
    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    "execution": {"config": {"captures_output": False}},
}
"""Dagster's own log stays silent, and the terminal keeps the output of the process."""


def execute(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    partition: str | None = None,
    assets: Iterable[str] = (),
    run_config: Mapping[str, Any] = IN_TERMINAL,
) -> dg.JobExecutionResult:
    """Run a job in this process, with its own executor; all its assets, or only the given ones.

    `JobDefinition.execute_in_process` would run the assets one after another, whatever the executor
    of the job, and `dagster.execute_job` cannot take a job that was made in this process.
    """
    keys = frozenset(dg.AssetKey(name) for name in assets)
    subset = job.get_subset(asset_selection=keys) if keys else job
    tags = dict(subset.run_tags)
    if partition:
        tags |= job.get_tags_for_partition_key(partition, selected_asset_keys=keys)
    run = instance.create_run_for_job(
        job_def=subset, run_config=run_config, tags=tags, asset_selection=keys or None
    )
    return execute_run(InMemoryJob(job), run, instance)


def process_name(pid: int | None = None) -> str | None:
    """Host, pid and start time of a live process of this machine, or None if there is none.

    The start time distinguishes a process from a later one with the same pid.
    """
    pid = pid or os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    stat = Path(f"/proc/{pid}/stat")
    # Field 22, the 20th after the process name, which may contain spaces. Only Linux has the file.
    started = stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else ""
    return f"{socket.gethostname()}:{pid}:{started}"


def tag_process(instance: dg.DagsterInstance, run_id: str) -> None:
    """Tag a run with this process."""
    instance.add_run_tags(run_id, {PROCESS_TAG: f"{process_name() or ''}:{run_id}"})


def tag_taken(instance: dg.DagsterInstance, run_id: str) -> None:
    """Tag a run with the time at which a worker took it."""
    taken_at = datetime.now(UTC).isoformat(timespec="seconds")
    instance.add_run_tags(run_id, {TAKEN_TAG: f"{taken_at} {run_id}"})


def run_lock(run_id: str) -> str:
    """The name of the lock that the process of a run on a worker holds."""
    return f"run {run_id}"


def mark_dead_runs(instance: dg.DagsterInstance, coordination: Coordination) -> list[str]:
    """Mark unfinished runs whose process is gone as failed.

    Those of workers are known by their locks, others only if their process was one of this machine.
    Returns their ids.
    """
    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if is_abandoned(run, coordination, datetime.now(UTC)):
            message = "No process of any machine holds the run's lock. Its finished work is kept."
        elif _process_is_gone(run):
            message = "Its process exited without reporting a result. Its finished work is kept."
        else:
            continue
        instance.report_run_failed(run, message)
        dead.append(run.run_id)
    return dead


def is_abandoned(run: dg.DagsterRun, coordination: Coordination, now: datetime) -> bool:
    """Whether a worker took this run, and no process of any machine holds its lock any more."""
    taken_at = _own_tag(run, TAKEN_TAG)
    if not taken_at:
        return False
    is_starting = run.status == dg.DagsterRunStatus.STARTING
    if is_starting and now - datetime.fromisoformat(taken_at) < START_TIME:
        return False
    return coordination.is_abandoned(run_lock(run.run_id))


def _process_is_gone(run: dg.DagsterRun) -> bool:
    """Whether the run's process was one of this machine and has ended."""
    if _own_tag(run, TAKEN_TAG):  # a worker's host name may be that of another container
        return False
    name = _own_tag(run, PROCESS_TAG)
    host, _, rest = name.partition(":")
    if host != socket.gethostname():
        return False
    return process_name(int(rest.partition(":")[0])) != name


def _own_tag(run: dg.DagsterRun, tag: str) -> str:
    """The value of a tag that ends with the run's id, without it.

    A run that is started again inherits the tags of the first: those do not count.
    """
    value = run.tags.get(tag, "")
    if not value.endswith(run.run_id):
        return ""
    return value.removesuffix(run.run_id)[:-1]


def first_error(events: Iterable[dg.DagsterEvent]) -> str:
    """The first failed step and its error: the operator's message if there is one."""
    for event in events:
        if event.is_step_failure:
            return f"{event.step_key}: {_failure_message(event)}"
    return "the run failed before its first step; see its log in the Dagster UI"


def _failure_message(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure is None:
        return "unknown"
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    if failure.error is None:
        return "unknown"
    cause = failure.error.cause or failure.error
    return cause.message.strip()
