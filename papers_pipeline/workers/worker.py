"""A worker: takes runs from the queue, each in a process of its own.

A run must not live in a process of Celery's pool: such a process may have no children, so no PDF
could be parsed there.
"""

import signal
import subprocess
import sys
from typing import Any

import dagster as dg
from celery import Celery
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value
from dagster_celery.config import TASK_EXECUTE_JOB_NAME

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.runs import tag_taken
from papers_pipeline.settings import Settings
from papers_pipeline.workers.launcher import WorkersLauncher
from papers_pipeline.workers.run import REFUSED, refuse


class NoWorker(OperatorError):
    """This machine is not set up as one of several. The message says what is missing."""


def work(settings: Settings, instance: dg.DagsterInstance, name: str, runs: int) -> None:
    """Take runs until the process is asked to stop, at most `runs` at once.

    At the first SIGTERM or Ctrl+C it takes no more, ends those under way, and returns. Raises
    NoWorker.
    """
    launcher = instance.run_launcher
    if not isinstance(launcher, WorkersLauncher):
        raise NoWorker(
            f"{settings.home / 'dagster.yaml'} names no launcher for workers: "
            "copy deploy/several/dagster.yaml there"
        )
    if not settings.coordination_url:
        raise NoWorker("PAPERS_COORDINATION_URL is unset: workers on several machines need it")
    app = launcher.celery
    register(app)
    app.worker_main(["worker", f"--hostname={name}@%h", f"--concurrency={runs}", "--loglevel=INFO"])


def register(app: Celery) -> None:
    """Make the task that the launcher puts into the queue execute a run in a process."""

    @app.task(bind=True, name=TASK_EXECUTE_JOB_NAME, track_started=True)  # type: ignore[untyped-decorator]
    def execute_run(task: Any, execute_job_args_packed: Any) -> int:
        run_id = unpack_value(execute_job_args_packed, as_type=ExecuteRunArgs).run_id
        with dg.DagsterInstance.get() as instance:
            tag_taken(instance, run_id, task.request.hostname)
        status = _in_process(run_id)
        if status == REFUSED:
            # First: the failure lets the daemon launch the next run at once.
            app.control.cancel_consumer(
                app.conf.task_default_queue, [task.request.hostname], reply=True, timeout=5
            )
            refuse(run_id)
        return status


def _in_process(run_id: str) -> int:
    """The exit status of the process that executes a run. It is terminated when this one is."""
    command = [sys.executable, "-m", "papers_pipeline.workers.run", run_id]
    # In a session of its own: Ctrl+C in the worker's terminal must not reach it.
    with subprocess.Popen(command, start_new_session=True) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        return process.wait()
