"""Reads whole issues from the lake, for pages that need more than a catalogue card holds."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import pyarrow as pa

from papers_pipeline.records import DailyIssue, IssuePaper, RelatedPapers
from papers_pipeline.store.lake import Lake

CACHED_DAYS = 64
DAYS_OF_TEXTS = 1024
"""Days whose texts stay in memory, 5 kB a paper: a feed takes papers of any days."""
LEFT_OUT_OF_TEXTS = frozenset({"figures", "notes"})


class IssueReader:
    """Issues, single papers and related papers of stored days, with the last days in memory."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.issue = lru_cache(CACHED_DAYS)(self._issue)
        self.related = lru_cache(CACHED_DAYS)(self._related)
        self._paper_rows = lru_cache(CACHED_DAYS)(self._read_paper_rows)
        self._text_rows = lru_cache(DAYS_OF_TEXTS)(self._read_text_rows)

    def paper(self, day: date, arxiv_id: str) -> IssuePaper:
        """One paper of a day's issue.

        Three times as fast as reading the issue where a page needs few papers of each of many days.
        """
        return _paper_in(self._paper_rows(day), arxiv_id)

    def texts(self, day: date, arxiv_id: str) -> IssuePaper:
        """The same without figures and notes, for those that need papers of hundreds of days."""
        return _paper_in(self._text_rows(day), arxiv_id)

    def _issue(self, day: date) -> DailyIssue:
        issues = self.lake.read("daily_issue", day.isoformat(), DailyIssue)
        assert issues, f"{day} is in the catalogue but not in the lake"
        return issues[0]

    def _related(self, day: date) -> Sequence[RelatedPapers]:
        return self.lake.read("related_papers", day.isoformat(), RelatedPapers) or ()

    def _read_paper_rows(self, day: date) -> pa.StructArray:
        """All papers of a day as an Arrow array: only those taken become Python objects."""
        table = self.lake.columns("daily_issue", str(day), ["papers"])
        assert table is not None, f"{day} is in the catalogue but not in the lake"
        return table["papers"].combine_chunks().flatten()

    def _read_text_rows(self, day: date) -> pa.StructArray:
        rows = self._read_paper_rows(day)
        names = [field.name for field in rows.type if field.name not in LEFT_OUT_OF_TEXTS]
        return pa.StructArray.from_arrays([rows.field(name) for name in names], names)


def _paper_in(rows: pa.StructArray, arxiv_id: str) -> IssuePaper:
    place = rows.field("id").to_pylist().index(arxiv_id)
    return IssuePaper.model_validate(rows[place].as_py(maps_as_pydicts="strict"))
