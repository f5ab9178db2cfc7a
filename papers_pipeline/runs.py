"""Execute jobs in this process, find dead runs and the first error of a failed one.

A killed run stays STARTED forever and would block its day. Each run is therefore tagged with its
process, and runs whose process is gone are marked as failed by a sensor and whenever the CLI or
`make dev` starts. The coordination knows which processes are gone: those of this machine, or with
Postgres of all machines.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster_shared.error import SerializableErrorInfo

from papers_pipeline.coordination.interface import Coordination

PARTITION_TAG = "dagster/partition"
"""Dagster's own tag: the day of a run, or the first day of its week or month."""
PROCESS_TAG = "papers/process"
TAKEN_TAG = "papers/taken"
"""Which worker took the run from the queue, and when."""
MISSED_TAG = "papers/missed"
"""When a run that no worker took was first missed in the queue."""
START_TIME = timedelta(seconds=60)
"""How long a run that a worker took, or that is missed in the queue, may need until its process has
tagged it."""
SITE_TAG = "papers/site"
"""Tag of runs that build pages spanning days; `dagster.yaml` allows one of them at a time."""
SITE_ASSETS = ("monthly_pages", "weekly_pages", "site_index", "search_index")
UNFINISHED = [
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.CANCELING,
]
WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, *UNFINISHED]


@runtime_checkable
class RunQueue(Protocol):
    """A launcher that puts runs into the queue of a broker, from which workers take them."""

    def may_hold(self, run: dg.DagsterRun) -> bool:
        """Whether the run may wait in its queue: others do, or the broker does not answer."""


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


def tag_process(instance: dg.DagsterInstance, run_id: str, coordination: Coordination) -> None:
    """Tag a run with this process."""
    instance.add_run_tags(run_id, {PROCESS_TAG: coordination.process()})


def tag_taken(instance: dg.DagsterInstance, run_id: str, worker: str) -> None:
    """Tag a run with the worker that took it, and the time."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    instance.add_run_tags(run_id, {TAKEN_TAG: f"{worker} {now}"})


def mark_dead_runs(instance: dg.DagsterInstance, coordination: Coordination) -> list[str]:
    """Mark unfinished runs as failed if their process is gone, or if their queue has lost them.

    Returns their ids.
    """
    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if is_dead(instance, run, coordination):
            process = run.tags.get(PROCESS_TAG, "")
            why = (
                f"Its process ({process}) ended without reporting a result. "
                "Its finished work is kept."
            )
        elif _is_lost(instance, run):
            why = "The queue lost it before a worker took it. Nothing of it had begun."
        else:
            continue
        instance.report_run_failed(run, why)
        dead.append(run.run_id)
    return dead


def is_dead(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    coordination: Coordination,
    after_seconds: float | None = None,
) -> bool:
    """Whether the process of an unfinished run is gone, or never came.

    `after_seconds` replaces the two minutes of `Coordination.is_gone`.
    """
    process = _own_tag(instance, run, PROCESS_TAG)
    if process:
        return coordination.is_gone(process, after_seconds)
    taken_at = _own_tag(instance, run, TAKEN_TAG).rpartition(" ")[2]
    if not taken_at:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(taken_at) > START_TIME


def _is_lost(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether no worker took a run, and its queue has been without it for a while.

    Redis hands a run to a worker before the worker has said that it has it. If the connection
    breaks in between, nobody has it.
    """
    queue = instance.run_launcher
    is_taken = _own_tag(instance, run, TAKEN_TAG) or _own_tag(instance, run, PROCESS_TAG)
    if run.status != dg.DagsterRunStatus.STARTING or is_taken or not isinstance(queue, RunQueue):
        return False
    if queue.may_hold(run):
        return False
    now = datetime.now(UTC)
    missed_at = _own_tag(instance, run, MISSED_TAG)
    if not missed_at:  # a worker may have it in its hands
        instance.add_run_tags(run.run_id, {MISSED_TAG: now.isoformat(timespec="seconds")})
        return False
    return now - datetime.fromisoformat(missed_at) > START_TIME


def _own_tag(instance: dg.DagsterInstance, run: dg.DagsterRun, tag: str) -> str:
    """The value of a tag, unless the run has it from the one that it repeats.

    A run that is started again inherits all tags.
    """
    value = run.tags.get(tag, "")
    if value and run.parent_run_id:
        parent = instance.get_run_by_id(run.parent_run_id)
        if parent and parent.tags.get(tag) == value:
            return ""
    return value


def first_error(events: Iterable[dg.DagsterEvent]) -> str:
    """The first failed step and its error: the operator's message if there is one."""
    why = "see its log in the Dagster UI"
    for event in events:
        if event.is_step_failure:
            return f"{event.step_key}: {_failure_message(event)}"
        if event.is_run_failure:
            error = event.job_failure_data and event.job_failure_data.error
            why = _told(error) if error else event.message or why
    return f"the run failed outside its steps: {why}"


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


def _told(error: SerializableErrorInfo) -> str:
    """What an error says, without the errors of Dagster that carry it."""
    if error.cause and (error.cls_name or "").startswith("Dagster"):
        return _told(error.cause)
    kind, _, message = error.message.strip().partition(": ")
    return message if kind.startswith("papers_pipeline.") else error.message.strip()
