"""The resources: clients, clock, models, lake and site, built from the settings."""

import logging
from collections.abc import Iterator
from typing import Any

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.per_paper import NullProgress, Progress, RunWatcher
from papers_pipeline.base.runlog import RunLog
from papers_pipeline.defs.io_managers import lock_of, record_tables
from papers_pipeline.documents.fetch import Documents
from papers_pipeline.listing.feed import FeedClient
from papers_pipeline.settings import Settings
from papers_pipeline.wiring import (
    documents_of,
    feed_client_of,
    lake_of,
    logs_of,
    models_of,
    planner_of,
    site_of,
)

logger = logging.getLogger(__name__)


def resources(
    settings: Settings, clock: Clock | None = None, watcher: RunWatcher | None = None
) -> dict[str, Any]:
    """Every resource by its key. Tests and the CLI pass their own clock and watcher."""
    clock, watcher = clock or Clock(), watcher or NullProgress()
    logs = logs_of(settings)

    @dg.resource(description="Client for the Hugging Face list.")
    def feed_client(_: dg.InitResourceContext) -> Iterator[FeedClient]:
        with feed_client_of(settings) as client:
            yield client

    @dg.resource(description="Fetches PDFs and HTML from arXiv, within its rate limit.")
    def documents(_: dg.InitResourceContext) -> Iterator[Documents]:
        with documents_of(settings, clock) as made:
            yield made

    @dg.resource(description="Writes the run's plain log and forwards progress to the caller.")
    def run_progress(context: dg.InitResourceContext) -> Progress:
        if context.run is None:
            return NullProgress()
        subject = lock_of(context.run)
        path = logs / str(clock.today()) / f"{context.run.run_id}.log"
        show_note = context.log.info if context.log else logger.info
        return RunLog(path, subject, clock, watcher.of(subject), show_note)

    return {
        "io_manager": record_tables(settings, watcher),
        "settings": settings,
        "clock": clock,
        "progress": run_progress,
        "lake": lake_of(settings),
        "models": models_of(settings, clock),
        "planner": planner_of(settings, clock),
        "site": site_of(settings),
        "feed_client": feed_client,
        "documents": documents,
    }
