"""The job that deletes what is old."""

from datetime import timedelta

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.documents.fetch import Documents
from papers_pipeline.settings import Settings
from papers_pipeline.store.retention import ATTEMPTS_KEPT, prune_days


@dg.op
def delete_what_is_old(
    context: dg.OpExecutionContext,
    documents: dg.ResourceParam[Documents],
    settings: dg.ResourceParam[Settings],
    clock: dg.ResourceParam[Clock],
) -> None:
    pdfs = documents.prune()
    attempts = prune_days(settings.data / "attempts", ATTEMPTS_KEPT, clock)
    logs = prune_days(settings.data / "logs", timedelta(days=settings.log_keep_days), clock)
    context.log.info(
        f"deleted {len(pdfs)} PDFs, the failed attempts of {len(attempts)} days and the logs of {len(logs)} days"
    )


@dg.job(
    description="Delete PDFs that were parsed PAPERS_PDF_KEEP_DAYS ago, and failed attempts of 30 days ago, old logs."
)
def prune() -> None:
    delete_what_is_old()
