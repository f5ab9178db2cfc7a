"""Compares a changed prompt's answers with stored ones, on a few papers: `papers prompts diff`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from papers_pipeline.base import loop
from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import NullProgress
from papers_pipeline.enrichment.enrich import enrich
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.evaluation.answers import answer_of_row, is_answer, stored_papers
from papers_pipeline.evaluation.report import Report
from papers_pipeline.evaluation.rules import EVALUATIONS
from papers_pipeline.records import Enrichment, by_arxiv_id
from papers_pipeline.settings import Settings
from papers_pipeline.store.lake import Lake
from papers_pipeline.wiring import lake_of, models_of, stages_of


class ComparisonError(OperatorError):
    """There is nothing to compare; the message says why."""


@dataclass(frozen=True)
class Sample:
    """A stored row by an earlier version of a prompt, and the item that the row is about."""

    day: str
    old: Enrichment
    item: Any


def sample(settings: Settings, name: str, count: int) -> tuple[AnyStage, list[Sample]]:
    """The prompt's stage, and up to `count` of the newest stored answers by another version.

    Raises ComparisonError if there are none.
    """
    stages = {stage.label: stage for stage in stages_of(settings).values()}
    if name not in stages:
        raise ComparisonError(f"no prompt named {name}; there are {', '.join(stages)}")
    stage = stages[name]
    lake = lake_of(settings)
    samples: list[Sample] = []
    for day in reversed(lake.partitions(stage.asset)):
        samples += _samples_of_day(lake, stage, day)
        if len(samples) >= count:
            break
    if not samples:
        raise ComparisonError(
            f"every stored answer of {name} is by the version in force, {stage.prompt.version}"
        )
    return stage, samples[:count]


def answer(
    settings: Settings, clock: Clock, stage: AnyStage, samples: Sequence[Sample]
) -> list[Enrichment]:
    """The rows that the prompt in force gives for the samples.

    They are cached as in a build, so they cost nothing more if the prompt is adopted.
    """
    enriching = enrich(
        stage,
        [sample.item for sample in samples],
        models=models_of(settings, clock),
        concurrency=settings.llm_concurrency,
        progress=NullProgress(),
    )
    rows, _, _ = loop.run(enriching)
    return rows


def reports_of(
    settings: Settings, stage: AnyStage, samples: Sequence[Sample], rows: Sequence[Enrichment]
) -> list[Report]:
    """The figures of the stored answers and of the new ones, over the papers that have both.

    Empty for prompts whose answers are not measured by rules alone.
    """
    evaluate = EVALUATIONS.get(type(stage))
    if evaluate is None:
        return []
    papers = stored_papers(lake_of(settings))
    before, after = [], []
    for sample, row in zip(samples, rows, strict=True):
        paper = papers.get(row.arxiv_id)
        if paper and is_answer(sample.old) and is_answer(row):
            sections = stage.prompt_variables(sample.item)[0].get("sections", {})
            before.append(answer_of_row(stage, sample.old, paper, sections))
            after.append(answer_of_row(stage, row, paper, sections))
    if not before:
        return []
    return [evaluate(stage, before, "before"), evaluate(stage, after, "now")]


def _samples_of_day(lake: Lake, stage: AnyStage, day: str) -> list[Sample]:
    rows = lake.read(stage.asset, day, stage.record) or []
    items = by_arxiv_id(stage.stored_items(lake, day) or [])
    samples = []
    for row in rows:
        item = items.get(row.arxiv_id)
        is_old = row.state == "done" and row.prompt_version != stage.prompt.version
        if item and is_old and stage.why_not_asked(item) is None:
            samples.append(Sample(day, row, item))
    return samples
