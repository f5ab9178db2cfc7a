"""What became of runs. A killed run stays STARTED for ever and would block its day: runs carry the name of their
process, and the dead ones of this machine are marked failed when the CLI or `make dev` starts."""

import os
import socket
from collections.abc import Iterable
from pathlib import Path

import dagster as dg

PROCESS_TAG = "papers/process"
SITE_TAG = "papers/site"
"""Marks the runs of what names more than one day; `dagster.yaml` lets one of them run at a time."""
SITE_ASSETS = ("monthly_pages", "weekly_pages", "site_index", "search_index")
UNFINISHED = [
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.CANCELING,
]


def process_name(pid: int | None = None) -> str | None:
    """Host, pid and start time of a live process of this machine, so that a reused pid is not taken for it; None when
    there is none."""
    pid = pid or os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    stat = Path(f"/proc/{pid}/stat")
    # Field 22 counted from the start, so 20th after the name, which may hold spaces; only Linux has the file.
    started = stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else ""
    return f"{socket.gethostname()}:{pid}:{started}"


def tag_process(instance: dg.DagsterInstance, run_id: str) -> None:
    """Write this process's name on a run."""
    instance.add_run_tags(run_id, {PROCESS_TAG: process_name() or ""})


def mark_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark unfinished runs of this machine failed whose process is gone; returns their ids."""
    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        host, _, rest = run.tags.get(PROCESS_TAG, "").partition(":")
        pid = rest.partition(":")[0]
        if host == socket.gethostname() and process_name(int(pid)) != run.tags[PROCESS_TAG]:
            instance.report_run_failed(
                run, f"Process {pid} exited without reporting a result; finished papers are kept."
            )
            dead.append(run.run_id)
    return dead


def first_error(events: Iterable[dg.DagsterEvent]) -> str:
    """The step that failed first and why, in the operator's words where they are given."""
    for event in events:
        if event.is_step_failure and (data := event.step_failure_data):
            failure = data.user_failure_data
            cause = data.error.cause if data.error and data.error.cause else data.error
            text = (failure.description if failure else None) or (
                cause.message.strip() if cause else "unknown"
            )
            return f"{event.step_key}: {text}"
    return "the run failed before its first step: its log in the Dagster UI says why"
