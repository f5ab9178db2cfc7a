"""Replaces one stored answer: asks again, past what was bought, and rebuilds the pages."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from papers_pipeline.base import loop
from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import PaperFailed, PaperPending
from papers_pipeline.cli.stored_paper import days_of
from papers_pipeline.enrichment.enrich import ask_again
from papers_pipeline.enrichment.plan import Planner
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.llm.models import Models
from papers_pipeline.records import PlanRow
from papers_pipeline.runner import DayReport, Runner
from papers_pipeline.settings import Settings
from papers_pipeline.store.lake import Lake
from papers_pipeline.wiring import models_of, planner_of, stages_of


class RedoError(OperatorError):
    """No model gave a new answer, so the old one stays in force; the message says why."""


def redo(
    settings: Settings,
    clock: Clock,
    builder: Runner,
    arxiv_id: str,
    asset: str,
    tell_others: Callable[[list[PlanRow]], None],
) -> list[DayReport]:
    """Ask a model again about a paper, then rebuild that asset, the issue, and the pages of every
    day that lists the paper. The old answer is kept beside the new one.

    `tell_others` is told first what else is bought, because it is stale or missing on these days.
    Raises RedoError before any row or page changes.
    """
    stages = stages_of(settings)
    if asset not in stages:
        raise RedoError(f"no model writes {asset}: name one of {', '.join(stages)}")
    days = days_of(builder.lake, arxiv_id)
    if not days:
        raise RedoError(f"{arxiv_id}: no built day has listed it")
    stage = stages[asset]
    items: dict[str, Any] = {}
    for day in days:
        for item in stage.stored_items(builder.lake, day) or []:
            if item.arxiv_id == arxiv_id:
                items[day] = item
    if not items:
        raise RedoError(f"{asset} {', '.join(days)}: no row is about {arxiv_id}")
    readers = [name for name, other in stages.items() if asset in other.inputs]
    written = (asset, *readers)
    others = _missing(planner_of(settings, clock), written, sorted(items))
    if others:
        tell_others(others)
    _ask(stage, items, models_of(settings, clock), builder.lake)
    changed = (*written, "daily_issue", "daily_pages")
    return builder.refresh({name: list(items) for name in changed})


def _missing(planner: Planner, assets: Sequence[str], days: Sequence[str]) -> list[PlanRow]:
    """The calls that models can answer which these assets lack on these days, in order."""
    rows = planner.plan(date.fromisoformat(days[0]), date.fromisoformat(days[-1]))
    missing = []
    for row in rows:
        if row.asset in assets and row.day in days and row.model and row.calls:
            missing.append(row)
    return missing


def _ask(stage: AnyStage, items: dict[str, Any], models: Models, lake: Lake) -> None:
    """Ask about each day's item. Days that hold the same abstract share one answer."""
    asked: set[str] = set()
    for day, item in items.items():
        where = f"{stage.asset} {day}: {item.arxiv_id}"
        reason = stage.why_not_asked(item)
        if reason:
            raise RedoError(f"{where} is not asked about: {reason}")
        key = stage.input_hash(item)
        if key in asked:
            continue
        asked.add(key)
        try:
            earlier = lake.read(stage.asset, day, stage.record) or ()
            loop.run(ask_again(stage, item, models=models, earlier=earlier, day=day))
        except (PaperFailed, PaperPending) as error:
            raise RedoError(f"{where}: {error}; the old answer stays") from None
