"""A changed prompt beside the one before, on a few papers: `papers prompts diff`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import NullProgress
from papers_pipeline.enrichment.enrich import Task, Unasked, enrich
from papers_pipeline.enrichment.tasks import tasks_of
from papers_pipeline.records import Enrichment, ReadingTask, ReadingTranslation, Record
from papers_pipeline.settings import Settings
from papers_pipeline.store.lake import Lake
from papers_pipeline.wiring import lake_of, models_of, prompts_of


class ComparisonError(OperatorError):
    """There is nothing to compare; the message says why."""


@dataclass(frozen=True)
class Sample:
    """A stored row by an earlier version of a prompt, and what the task is told of its paper."""

    day: str
    old: Enrichment
    item: Any


def sample(settings: Settings, name: str, count: int) -> tuple[Task[Any, Any, Any], list[Sample]]:
    """The prompt's task, and the newest papers whose stored answer is by another version, spread over days. Raises
    ComparisonError when there are none."""
    # One file is the prompt of every language's translation: there the asset is the name.
    tasks = {
        task.prompt.asset if task.prompt.into else task.prompt.name: task
        for task in tasks_of(prompts_of(settings)).values()
    }
    if name not in tasks:
        raise ComparisonError(f"no prompt named {name}; there are {', '.join(tasks)}")
    task, lake, found = tasks[name], lake_of(settings), []
    for day in reversed(lake.partitions(task.prompt.asset)):
        old = [row for row in _rows(lake, task.prompt.asset, day) if _is_by_another(row, task)]
        if old:
            tables = {
                table: lake.read(table, day, Record) or [] for table in (*task.inputs, *task.beside)
            }
            items = {item.arxiv_id: item for item in task.items(**tables)}
            found += [
                Sample(day, row, items[row.arxiv_id])
                for row in old
                if _is_askable(task, items, row.arxiv_id)
            ]
        if len(found) >= count:
            break
    if not found:
        raise ComparisonError(
            f"every stored answer of {name} is by the version in force, {task.prompt.version}"
        )
    return task, found[:count]


def answer(
    settings: Settings, clock: Clock, task: Task[Any, Any, Any], samples: Sequence[Sample]
) -> list[Enrichment]:
    """The rows that the prompt in force gives for the sampled papers. They are kept as in a build, so that they are
    free when the prompt is adopted."""
    items = [it.item for it in samples]
    enriching = enrich(
        task,
        items,
        models=models_of(settings, clock),
        concurrency=settings.llm_concurrency,
        progress=NullProgress(),
    )
    rows, _, _ = asyncio.run(enriching)
    return rows


def shown(row: Enrichment) -> str:
    """What a row says, as plain text."""
    if isinstance(row, ReadingTask | ReadingTranslation) and row.sentences:
        return "\n".join(it if isinstance(it, str) else it.text for it in row.sentences)
    fields = row.model_dump(
        include={"emoji", "title", "text", "topics", "institutions"}, exclude_none=True
    )
    lines = [
        ", ".join(value) if isinstance(value, list) else str(value) for value in fields.values()
    ]
    return "\n".join(line for line in lines if line) or f"{row.state}: {row.reason}"


def _rows(lake: Lake, asset: str, day: str) -> list[Enrichment]:
    return [row for row in lake.read(asset, day, Record) or [] if isinstance(row, Enrichment)]


def _is_by_another(row: Enrichment, task: Task[Any, Any, Any]) -> bool:
    return row.state == "done" and row.prompt_version != task.prompt.version


def _is_askable(task: Task[Any, Any, Any], items: dict[str, Any], arxiv_id: str) -> bool:
    return arxiv_id in items and not isinstance(task.texts(items[arxiv_id]), Unasked)
