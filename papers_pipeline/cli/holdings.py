"""Everything that is held of one paper."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from upath import UPath

from papers_pipeline.enrichment.reading import pinyin_of
from papers_pipeline.records import DailyIssue, Enrichment, ReadingTask, Record
from papers_pipeline.store.cache import Cache, CacheEntry
from papers_pipeline.store.lake import Lake, scan


@dataclass(frozen=True)
class Holdings:
    """``rows``: title and content of the paper's row of every asset on every day that listed it, and of its entry in
    each day's issue; ``answers``: what the cache holds for these rows; ``attempts``: the failed ones that are kept,
    each a file's name and content."""

    rows: list[tuple[str, dict[str, Any]]]
    answers: list[CacheEntry]
    attempts: list[tuple[str, dict[str, Any]]]


def holdings(data: UPath, cache: Cache, arxiv_id: str) -> Holdings:
    """What is held of a paper; without rows when no built day has listed it."""
    lake = Lake(data / "lake")
    rows: list[tuple[str, dict[str, Any]]] = []
    answers: dict[tuple[str, str, str], CacheEntry] = {}
    for day in days_of(lake, arxiv_id):
        for asset in lake.assets():
            row = _row(lake, asset, day, arxiv_id)
            if row is None:
                continue
            rows.append((f"{asset} {day}", _content(row)))
            if isinstance(row, Enrichment):
                identity = {"prompt_version": row.prompt_version, "input_hash": row.input_hash}
                if entry := cache.get(asset, identity):
                    answers[asset, row.prompt_version, row.input_hash] = entry
    return Holdings(rows, list(answers.values()), list(_attempts(data / "attempts", arxiv_id)))


def _content(row: BaseModel) -> dict[str, Any]:
    content: dict[str, Any] = row.model_dump(mode="json")
    if isinstance(row, ReadingTask):  # a line a sentence, where the words would take a screen
        content["sentences"] = [
            f"{sentence.text} {pinyin_of(sentence)}" for sentence in row.sentences
        ]
    return content


def days_of(lake: Lake, arxiv_id: str) -> list[str]:
    """The days whose listing has the paper, in order."""
    listed = scan(lake, "feed_listing", lake.partitions("feed_listing"), ("arxiv_id",))
    return [day for day, rows in listed.items() if any(row["arxiv_id"] == arxiv_id for row in rows)]


def _attempts(folder: UPath, arxiv_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob(f"*/{arxiv_id}.*.json")) if folder.exists() else ():
        yield f"{path.parent.name}/{path.name}", json.loads(path.read_text(encoding="utf-8"))


def _row(lake: Lake, asset: str, day: str, arxiv_id: str) -> Any:
    rows: list[Record] = lake.read(asset, day, Record) or []
    for row in rows:
        if isinstance(row, DailyIssue):
            return next((paper for paper in row.papers if paper.arxiv_id == arxiv_id), None)
        if getattr(row, "arxiv_id", None) == arxiv_id:
            return row
    return None
