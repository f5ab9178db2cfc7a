"""One answer asked for again, past the cache: `papers redo`."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import PaperFailed, PaperPending
from papers_pipeline.cli.holdings import days_of
from papers_pipeline.enrichment.enrich import Task, Unasked, ask_again
from papers_pipeline.enrichment.tasks import tasks_of
from papers_pipeline.prompts.prompt import input_hash
from papers_pipeline.records import Record
from papers_pipeline.runner import DayReport, Runner
from papers_pipeline.settings import Settings
from papers_pipeline.store.lake import Lake
from papers_pipeline.wiring import models_of, prompts_of


class RedoError(OperatorError):
    """Nothing new could be had, and what was there is still in force; the message says why."""


def redo(
    settings: Settings, clock: Clock, builder: Runner, arxiv_id: str, asset: str
) -> list[DayReport]:
    """Ask a model again about a paper, keep the old answer beside the new, and rebuild that asset, the issue and the
    pages of every day that lists the paper. Raises RedoError before any row or page is changed."""
    tasks = tasks_of(prompts_of(settings))
    if asset not in tasks:
        raise RedoError(f"{asset} is written by no model; name one of {', '.join(tasks)}")
    days = days_of(builder.lake, arxiv_id)
    if not days:
        raise RedoError(f"{arxiv_id}: no built day has listed it")
    task, models = tasks[asset], models_of(settings, clock)
    items = {
        day: item
        for day in days
        for item in _items(task, builder.lake, day)
        if item.arxiv_id == arxiv_id
    }
    if not items:
        raise RedoError(f"{asset} {', '.join(days)}: it is not about {arxiv_id}")
    # The days may hold different abstracts of one paper, each with an answer of its own.
    asked: set[str] = set()
    for day, item in items.items():
        texts = task.texts(item)
        if isinstance(texts, Unasked):
            raise RedoError(f"{asset} {day}: {arxiv_id} is not asked about: {texts.reason}")
        if (first := input_hash(**texts[0])) in asked:
            continue
        asked.add(first)
        try:
            asyncio.run(ask_again(task, item, models=models, day=day))
        except (PaperFailed, PaperPending) as error:
            raise RedoError(f"{asset} {day}: {arxiv_id}: {error}; the old answer stays") from None
    wanted = [date.fromisoformat(day) for day in items]
    following = [name for name, other in tasks.items() if asset in other.inputs]
    reports = builder.build_only(wanted, [asset, *following, "daily_issue", "daily_pages"])
    builder.build_site(wanted)
    return reports


def _items(task: Task[Any, Any, Any], lake: Lake, day: str) -> Sequence[Any]:
    """What the task is about on a day: of one a day, the one that was chosen."""
    rows = {name: lake.read(name, day, Record) or [] for name in (*task.inputs, *task.beside)}
    return task.choose(task.items(**rows), lake.read(task.prompt.asset, day, task.record) or [])
