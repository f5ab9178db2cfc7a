"""A day's file of words has what its page shows, stays small, and forgets what was withdrawn."""

import gzip
import json
from typing import Any

from benchmarks.generated import issues
from papers_pipeline.records import IssuePaper, RelatedPapers
from papers_pipeline.site.parts.day_words import words_file
from papers_pipeline.site.related import STRONGEST
from papers_pipeline_tests.helpers.pages import issue, paper

ONE, TWO = "2502.00001", "2502.00002"


def row(arxiv_id: str, *strongest: tuple[int, float]) -> RelatedPapers:
    return RelatedPapers(
        arxiv_id=arxiv_id,
        title="T",
        terms=[term for term, _ in strongest],
        counts=[1] * len(strongest),
        strongest=[term for term, _ in strongest],
        weights=[weight for _, weight in strongest],
        related=[],
    )


def words(papers: list[IssuePaper], rows: list[RelatedPapers]) -> dict[str, Any]:
    data = words_file(issue(*papers), rows).make()
    assert isinstance(data, bytes)
    return json.loads(data)


def test_each_paper_has_its_words_with_weights_strongest_first():
    file = words_file(
        issue(paper(ONE), paper(TWO)), [row(TWO, (7, 0.5)), row(ONE, (9, 0.8), (3, 0.6))]
    )
    assert file.path == f"words/{issue().date}.json"
    assert file.make() == (
        b'{"schema":1,"date":"2025-02-06","papers":'
        b'{"2502.00001":{"9":0.8,"3":0.6},"2502.00002":{"7":0.5}}}\n'
    )


def test_a_withdrawn_paper_and_one_without_words_are_left_out():
    rows = [row(ONE, (9, 0.8)), row(TWO)]
    assert list(words([paper(ONE), paper(TWO)], rows)["papers"]) == [ONE]
    assert words([paper(ONE, status="withdrawn"), paper("2502.00003")], rows)["papers"] == {}


def test_only_other_words_or_papers_change_the_file():
    rows = [row(ONE, (9, 0.8))]
    before = words_file(issue(paper(ONE)), rows).fingerprint
    assert words_file(issue(paper(ONE, upvotes=99)), rows).fingerprint == before
    assert words_file(issue(paper(ONE)), [row(ONE, (9, 0.7))]).fingerprint != before
    assert words_file(issue(paper(ONE, status="withdrawn")), rows).fingerprint != before


def test_the_words_of_fifty_papers_are_a_few_kilobytes():
    day = next(issues(1, 50))
    rows = []
    for number, shown in enumerate(day.papers):
        strongest = [
            (7919 * (number * STRONGEST + place) % 2**20, 0.4) for place in range(STRONGEST)
        ]
        rows.append(row(shown.arxiv_id, *strongest))
    data = words_file(day, rows).make()
    assert isinstance(data, bytes)
    assert len(data) < 12_000
    assert len(gzip.compress(data)) < 6_000
