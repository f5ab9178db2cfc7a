"""One answer asked for again, past the cache: `papers redo`."""

import asyncio
from datetime import date

from papers_pipeline.core.days import Clock
from papers_pipeline.core.enrichment import Unasked, ask_again
from papers_pipeline.core.errors import OperatorError
from papers_pipeline.core.per_paper import PaperFailed, PaperPending
from papers_pipeline.core.prompts import input_hash
from papers_pipeline.core.tasks import tasks_of
from papers_pipeline.holdings import days_of
from papers_pipeline.records import Paper
from papers_pipeline.runner import DayReport, Runner
from papers_pipeline.settings import Settings
from papers_pipeline.wiring import models_of, prompts_of


class RedoError(OperatorError):
    """Nothing new could be had, and what was there is still in force; the message says why."""


def redo(settings: Settings, clock: Clock, builder: Runner, arxiv_id: str, asset: str) -> list[DayReport]:
    """Ask a model again about a paper, keep the old answer beside the new, and rebuild that asset, the issue and the
    pages of every day that lists the paper. Raises RedoError before anything is changed."""
    tasks = tasks_of(prompts_of(settings))
    if asset not in tasks:
        raise RedoError(f"{asset} is written by no model; name one of {', '.join(tasks)}")
    days = days_of(builder.lake, arxiv_id)
    if not days:
        raise RedoError(f"{arxiv_id}: no built day has listed it")
    task, models = tasks[asset], models_of(settings, clock)
    # The days may hold different abstracts of one paper, each with an answer of its own.
    papers: dict[str, tuple[str, Paper]] = {}
    for day in days:
        paper = next(row for row in builder.lake.read("feed_listing", day, Paper) or [] if row.arxiv_id == arxiv_id)
        papers[input_hash(title=paper.title, abstract=paper.abstract)] = (day, paper)
    for day, paper in papers.values():
        try:
            answer = asyncio.run(ask_again(task, paper, models=models, day=day))
        except (PaperFailed, PaperPending) as error:
            raise RedoError(f"{asset} {day}: {arxiv_id}: {error}; the old answer stays") from None
        if isinstance(answer, Unasked):
            raise RedoError(f"{asset} {day}: {arxiv_id} is not asked about: {answer.reason}")
    reports = builder.build_only([date.fromisoformat(day) for day in days], [asset, "daily_issue", "daily_pages"])
    builder.build_site()
    return reports
