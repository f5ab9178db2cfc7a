"""The process of one run on a worker: `python -m papers_pipeline.workers.run <run id>`.

The coordination knows it by its session, so the run counts as alive for as long as this process
lives, whatever becomes of the worker that started it.
"""

import logging
import socket
import sys

import dagster as dg
from dagster._cli.api import _execute_run_command_body
from dagster._utils.interrupts import capture_interrupts

from papers_pipeline.runs import tag_process
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import coordination_of
from papers_pipeline.workers.release import RELEASE_TAG, release_of

REFUSED = 3
"""The exit status of a run that this machine must not execute."""

logger = logging.getLogger(__name__)


def main(run_id: str) -> int:
    """Execute a run that was launched and not begun; returns the exit status."""
    settings = load_settings()
    with capture_interrupts(), dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        # The queue may deliver it late, when it was canceled, or failed because it did not start.
        if run is None or run.status != dg.DagsterRunStatus.STARTING:
            logger.warning("the run %s is not about to start", run_id)
            return 0
        tag_process(instance, run_id, coordination_of(settings))
        release = release_of(settings)
        if run.tags.get(RELEASE_TAG) != release:
            return REFUSED
        return _execute_run_command_body(run_id, instance, _ignore, set_exit_code_on_failure=True)


def refuse(run_id: str) -> None:
    """Mark a run as failed that this machine must not execute, by a sentence that says why."""
    release = release_of(load_settings())
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        assert run
        instance.report_run_failed(
            run,
            f"{socket.gethostname()} has {release}, but the daemon that launched the run has "
            f"{run.tags.get(RELEASE_TAG)}. Bring both to the same release and start the worker "
            "again: it takes no more runs until then.",
        )


def _ignore(event: dg.DagsterEvent) -> None:
    """Events are read from the storage."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
