"""What the assets are given: clients, clock, models, lake and site, made from the settings."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from papers_pipeline.core.days import Clock
from papers_pipeline.core.documents import Documents
from papers_pipeline.core.feed import FeedClient
from papers_pipeline.core.per_paper import Progress, Silence
from papers_pipeline.defs.io_managers import record_tables
from papers_pipeline.settings import Settings
from papers_pipeline.wiring import documents_of, feed_client_of, lake_of, models_of, planner_of, site_of


def resources(settings: Settings, clock: Clock | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """Every resource by its key; a test or the CLI gives its own clock and progress."""
    clock, progress = clock or Clock(), progress or Silence()

    @dg.resource(description="Asks Hugging Face for the lists.")
    def feed_client(_: dg.InitResourceContext) -> Iterator[FeedClient]:
        with feed_client_of(settings) as client:
            yield client

    @dg.resource(description="Asks arXiv for PDFs and HTML, politely.")
    def documents(_: dg.InitResourceContext) -> Iterator[Documents]:
        with documents_of(settings, clock) as made:
            yield made

    return {
        "io_manager": record_tables(settings, progress),
        "settings": settings,
        "clock": clock,
        "progress": progress,
        "lake": lake_of(settings),
        "models": models_of(settings, clock),
        "planner": planner_of(settings, clock),
        "site": site_of(settings),
        "feed_client": feed_client,
        "documents": documents,
    }
