"""Recorded lists of the real API, from PAPERS_REAL_DATA: a filled field is filled in the rows."""

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from papers_pipeline.listing import feed

LISTS = sorted((Path(os.environ["PAPERS_REAL_DATA"]) / "hf_api").glob("????-??-??.json"))
NOW = datetime(2026, 11, 24, tzinfo=UTC)
FIELDS = {
    "ai_summary": "ai_summary",
    "ai_summary_model": "ai_summary_model",
    "ai_keywords": "ai_keywords",
    "githubRepo": "code_url",
    "projectPage": "project_url",
    "submittedOnDailyAt": "submitted_at",
    "organization": "organization",
    "publishedAt": "published_at",
    "summary": "abstract",
    "title": "title",
}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_every_filled_field_of_a_real_list_is_filled_in_its_rows(path: Path):
    body = path.read_text(encoding="utf-8")
    raw = [item["paper"] for item in json.loads(body)]
    responses = feed.kept_responses([], [body], NOW)
    rows, set_aside = feed.listing(responses, date.fromisoformat(path.stem))
    votes = feed.votes(responses, date.fromisoformat(path.stem))
    assert (len(rows), len(votes), set_aside) == (len(raw), len(raw), [])
    for key, column in FIELDS.items():
        assert sum(bool(paper.get(key)) for paper in raw) == sum(
            bool(getattr(row, column)) for row in rows
        ), key
    assert sum(len(paper["authors"]) for paper in raw) == sum(len(row.authors) for row in rows)
    assert sum(paper["upvotes"] for paper in raw) == sum(row.upvotes for row in votes)
    assert sum(paper.get("githubStars") is not None for paper in raw) == sum(
        row.github_stars is not None for row in votes
    )
