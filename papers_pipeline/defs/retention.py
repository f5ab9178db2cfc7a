"""The job that deletes old files."""

from datetime import timedelta

import dagster as dg
from upath import UPath

from papers_pipeline.base.clock import Clock
from papers_pipeline.documents.fetch import Documents
from papers_pipeline.llm.models import Models
from papers_pipeline.settings import Settings
from papers_pipeline.store.retention import ATTEMPTS_KEPT, BATCHES_KEPT, prune_days
from papers_pipeline.wiring import logs_of


@dg.op
def delete_old_files(
    context: dg.OpExecutionContext,
    documents: dg.ResourceParam[Documents],
    models: dg.ResourceParam[Models],
    settings: dg.ResourceParam[Settings],
    clock: dg.ResourceParam[Clock],
) -> None:
    """Delete PDFs, failed attempts, logs and ended batches past their retention."""
    pdfs = documents.prune()
    attempts = prune_days(settings.data / "attempts", ATTEMPTS_KEPT, clock)
    kept = timedelta(days=settings.log_keep_days)
    logs = prune_days(UPath(logs_of(settings)), kept, clock)
    batches = models.batches.store.prune(clock.now() - BATCHES_KEPT)
    context.log.info(
        f"deleted {len(pdfs)} PDFs, the failed attempts of {len(attempts)} days, "
        f"the logs of {len(logs)} days and {batches} ended batches"
    )


@dg.job(
    description="Deletes PDFs parsed more than PAPERS_PDF_KEEP_DAYS days ago, failed attempts "
    "and ended batches older than 30 days, and logs older than PAPERS_LOG_KEEP_DAYS days."
)
def prune() -> None:
    delete_old_files()
