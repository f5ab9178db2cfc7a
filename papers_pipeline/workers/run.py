"""The process of one run on a worker: `python -m papers_pipeline.workers.run <run id>`.

It holds the run's lock, so the run counts as alive for as long as this process lives, whatever
becomes of the worker that started it.
"""

import logging
import socket
import sys

import dagster as dg
from dagster._cli.api import _execute_run_command_body
from dagster._utils.interrupts import capture_interrupts

from papers_pipeline.runs import run_lock
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import coordination_of
from papers_pipeline.workers.launcher import RELEASE_TAG
from papers_pipeline.workers.release import release_of

REFUSED = 3
"""The exit status of a run that this machine must not execute."""

logger = logging.getLogger(__name__)


class AlreadyHeld(Exception):
    """Another process executes the run."""


def main(run_id: str) -> int:
    """Execute a run that was launched and not begun; returns the exit status."""
    settings = load_settings()
    coordination = coordination_of(settings)
    with capture_interrupts(), dg.DagsterInstance.get() as instance:
        try:
            with coordination.held(run_lock(run_id), on_wait=_give_up):
                return _execute(instance, run_id, release_of(settings))
        except AlreadyHeld:
            logger.warning("another process executes the run %s", run_id)
            return 0


def _give_up(message: str) -> None:
    raise AlreadyHeld(message)


def _execute(instance: dg.DagsterInstance, run_id: str, release: str) -> int:
    run = instance.get_run_by_id(run_id)
    # The queue may deliver it late, when it was canceled, or failed because it did not start.
    if run is None or run.status != dg.DagsterRunStatus.STARTING:
        logger.warning("the run %s is not about to start", run_id)
        return 0
    meant_for = run.tags.get(RELEASE_TAG, "")
    if meant_for != release:
        instance.report_run_failed(
            run,
            f"{socket.gethostname()} has {release}, but the daemon that launched the run has "
            f"{meant_for}. Bring both to the same release and start the worker again: it takes no "
            "more runs until then.",
        )
        return REFUSED
    return _execute_run_command_body(run_id, instance, _to_nobody, set_exit_code_on_failure=True)


def _to_nobody(event: dg.DagsterEvent) -> None:
    """Nobody reads the events here: they are in the storage."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
