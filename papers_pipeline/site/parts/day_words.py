"""The file of a day with each paper's most telling words, for readers who sort by likeness.

A browser compares them with the words of the papers that its reader has starred.
"""

import json
from collections.abc import Iterable
from functools import partial

from papers_pipeline.records import DailyIssue, RelatedPapers, by_arxiv_id
from papers_pipeline.site.catalogue import digest
from papers_pipeline.site.page import Page


def words_file(issue: DailyIssue, related: Iterable[RelatedPapers]) -> Page:
    """The file `words/YYYY-MM-DD.json`: each paper's words, as hashes with their weights.

    Papers that were withdrawn are left out, and so are papers without words.
    """
    rows = by_arxiv_id(related)
    papers: dict[str, dict[int, float]] = {}
    for paper in issue.papers:
        row = rows.get(paper.arxiv_id)
        if row and row.strongest and paper.status != "withdrawn":
            papers[paper.arxiv_id] = dict(zip(row.strongest, row.weights, strict=True))
    record = {"schema": 1, "date": issue.date.isoformat(), "papers": papers}
    data = json.dumps(record, separators=(",", ":")).encode() + b"\n"
    return Page(f"words/{issue.date}.json", digest(record), partial(bytes, data))
