"""Whole issues, read from the lake when a page really needs them."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import pyarrow as pa

from papers_pipeline.records import DailyIssue, IssuePaper, RelatedPapers
from papers_pipeline.store.lake import Lake, items_of


class Issues:
    """The whole issues of the lake, for what a card does not hold; read when a page is really made."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.of = lru_cache(maxsize=64)(self._read)
        self._papers = lru_cache(maxsize=64)(self._read_papers)
        self.related = lru_cache(maxsize=64)(self._read_related)

    def _read(self, day: date) -> DailyIssue:
        issues = self.lake.read("daily_issue", day.isoformat(), DailyIssue)
        assert issues, f"{day} is in the catalogue and not in the lake"
        return issues[0]

    def paper(self, day: date, arxiv_id: str) -> IssuePaper:
        """A paper of a day's issue: where few of each of many days are wanted, a third of the time of all."""
        papers = self._papers(day)
        place = papers.field("id").to_pylist().index(arxiv_id)
        return IssuePaper.model_validate(papers[place].as_py(maps_as_pydicts="strict"))

    def _read_papers(self, day: date) -> pa.StructArray:
        return items_of(self.lake.path("daily_issue", day.isoformat()).read_bytes(), "papers")

    def _read_related(self, day: date) -> Sequence[RelatedPapers]:
        return self.lake.read("related_papers", day.isoformat(), RelatedPapers) or ()
