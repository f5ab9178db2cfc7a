"""Execute jobs in this process, find dead runs and the first error of a failed one.

A killed run stays STARTED forever and would block its day. Each run is therefore tagged with its
process, and runs of this machine whose process is gone are marked as failed by a sensor and
whenever the CLI or `make dev` starts.
"""

import os
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

PARTITION_TAG = "dagster/partition"
"""Dagster's own tag: the day of a run, or the first day of its week or month."""
PROCESS_TAG = "papers/process"
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
    instance.add_run_tags(run_id, {PROCESS_TAG: process_name() or ""})


def mark_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark unfinished runs of this machine as failed if their process is gone.

    Returns their ids.
    """
    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        tag = run.tags.get(PROCESS_TAG, "")
        host, _, rest = tag.partition(":")
        if host != socket.gethostname():
            continue
        pid = rest.partition(":")[0]
        if process_name(int(pid)) != tag:
            instance.report_run_failed(
                run, f"Process {pid} exited without reporting a result. Its finished work is kept."
            )
            dead.append(run.run_id)
    return dead


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
