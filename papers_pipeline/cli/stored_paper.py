"""Everything stored about one paper, for `papers show`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from upath import UPath

from papers_pipeline.enrichment.reading import pinyin_of
from papers_pipeline.llm.conversation import Provenance
from papers_pipeline.records import DailyIssue, Enrichment, ReadingTask, Record, by_arxiv_id
from papers_pipeline.store import files as storage
from papers_pipeline.store.damage import Damaged, opened
from papers_pipeline.store.lake import Lake, scan
from papers_pipeline.store.purchases import Purchase, Purchases


@dataclass(frozen=True)
class StoredPaper:
    """Everything stored about a paper, each item with a title.

    - `rows`: the paper's row of every asset on every day that lists it, and its entry in each daily
      issue.
    - `conversations`: the questions and answers behind these rows, replaced answers included, and
      then the failed attempts.
    """

    rows: list[tuple[str, dict[str, Any]]]
    conversations: list[tuple[str, Provenance]]


def stored_paper(data: UPath, purchases: Purchases, arxiv_id: str) -> StoredPaper:
    """Everything stored about a paper; without rows if no built day lists it."""
    lake = Lake(data / "lake")
    rows: list[tuple[str, dict[str, Any]]] = []
    answers: dict[tuple[str, str, str], Purchase] = {}
    for day in days_of(lake, arxiv_id):
        for asset in lake.assets():
            row = _row(lake, asset, day, arxiv_id)
            if row is None:
                continue
            rows.append((f"{asset} {day}", _content(row)))
            if not isinstance(row, Enrichment):
                continue
            identity = {"prompt_version": row.prompt_version, "input_hash": row.input_hash}
            entry = purchases.get(asset, identity)
            if entry:
                answers[asset, row.prompt_version, row.input_hash] = entry
    conversations: list[tuple[str, Provenance]] = []
    for entry in answers.values():
        conversations += _conversations(entry)
    conversations += _failed_attempts(data / "attempts", arxiv_id)
    return StoredPaper(rows, conversations)


def days_of(lake: Lake, arxiv_id: str) -> list[str]:
    """The days that list the paper, in order."""
    listings = scan(lake, "feed_listing", lake.partitions("feed_listing"), ("arxiv_id",))
    days = []
    for day, rows in listings.items():
        if arxiv_id in [row["arxiv_id"] for row in rows]:
            days.append(day)
    return days


def _row(lake: Lake, asset: str, day: str, arxiv_id: str) -> Any:
    """The paper's row of an asset, or its entry in the daily issue; None if there is none."""
    rows: list[Record] = lake.read(asset, day, Record) or []
    for row in rows:
        if isinstance(row, DailyIssue):
            return by_arxiv_id(row.papers).get(arxiv_id)
        if getattr(row, "arxiv_id", None) == arxiv_id:
            return row
    return None


def _content(row: BaseModel) -> dict[str, Any]:
    content: dict[str, Any] = row.model_dump(mode="json")
    if isinstance(row, ReadingTask):
        # One line per sentence: its words would fill the screen.
        lines = []
        for sentence in row.sentences:
            lines.append(f"{sentence.text} {pinyin_of(sentence)}")
        content["sentences"] = lines
    return content


def _conversations(entry: Purchase) -> Iterator[tuple[str, Provenance]]:
    """The conversations behind an answer: first those whose answers it replaced, then its own."""
    provenance = Provenance.of(entry)
    for earlier in provenance.earlier:
        title = f"{entry.asset}, replaced, asked {_second(earlier)}"
        yield title, Provenance.of(earlier)
    yield f"{entry.asset}, asked {_second(entry)}", provenance


def _second(entry: Purchase) -> str:
    return f"{entry.created_at:%Y-%m-%dT%H:%M:%S}"


def _failed_attempts(folder: UPath, arxiv_id: str) -> Iterator[tuple[str, Provenance]]:
    for name in storage.listing(folder):
        is_about_it = name.partition("/")[2].startswith(f"{arxiv_id}.")
        provenance = opened(folder / name, _decoded) if is_about_it else None
        if provenance is not None:
            yield f"failed, attempts/{name}", provenance


def _decoded(data: bytes) -> Provenance:
    try:
        return Provenance.model_validate_json(data)
    except ValidationError:
        raise Damaged("no attempt can be read from it") from None
