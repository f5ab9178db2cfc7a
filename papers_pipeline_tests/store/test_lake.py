"""Tables return the records that were stored, and any Parquet reader can open them."""

import io
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from upath import UPath

from papers_pipeline.records import DailyIssue, IssueCounts, IssuePaper, IssueText, Paper
from papers_pipeline.store import files as storage
from papers_pipeline.store import lake
from papers_pipeline.store.lake import Lake, LakeError

SEEN = datetime(2026, 3, 2, 8, tzinfo=UTC)
PAPER = Paper(
    arxiv_id="2603.10001", title="T", abstract="A", authors=["Ada", "Bo"], first_seen_at=SEEN
)
ISSUE = DailyIssue(
    date=date(2026, 3, 2),
    state="listed",
    list_state="listed",
    counts=IssueCounts(papers=1),
    built_at=None,
    papers=[
        IssuePaper(
            id="2603.10001",
            title="T",
            abstract="A",
            url="u",
            pdf_url="p",
            listed_at=SEEN,
            summaries={
                "ru": IssueText(state="pending"),
                "en": IssueText(state="done", text="x", created_at=SEEN),
            },
        )
    ],
)


@pytest.mark.parametrize("row", [PAPER, ISSUE], ids=["paper", "issue"])
def test_rows_survive_a_round_trip(row):
    assert lake.decode(lake.encode([row], type(row)), "asset", "day") == [row]
    assert lake.encode([row], type(row)) == lake.encode([row], type(row))


def test_an_empty_day_has_typed_columns():
    data = lake.encode([], Paper)
    assert lake.decode(data, "asset", "day") == []
    frame = pd.read_parquet(io.BytesIO(data))
    assert list(frame.columns) == list(Paper.model_fields)
    assert str(frame["first_seen_at"].dtype).startswith("datetime64")


def test_a_new_field_gets_its_default_and_a_dropped_one_is_ignored():
    old = lake.pa.table(
        {
            "arxiv_id": ["1"],
            "title": ["T"],
            "abstract": ["A"],
            "authors": [["X"]],
            "first_seen_at": [SEEN],
            "was": [1],
        }
    ).replace_schema_metadata({"record": "Paper", "format": "1"})
    sink = lake.pa.BufferOutputStream()
    lake.pq.write_table(old, sink)
    (paper,) = lake.decode(sink.getvalue().to_pybytes(), "feed_listing", "2026-03-02")
    assert (paper.status, paper.ai_keywords) == ("listed", [])


def test_a_damaged_table_is_an_error_that_says_what_to_do(tmp_path):
    tables = Lake(UPath(tmp_path))
    storage.write(tables.path("feed_listing", "2026-03-02"), b"PAR1 no")
    with pytest.raises(
        LakeError,
        match=r"feed_listing 2026-03-02: .* is damaged .*: build feed_listing for that day",
    ):
        tables.read("feed_listing", "2026-03-02", Paper)


def test_partitions_are_listed_in_order_and_a_missing_one_is_none(tmp_path):
    tables = Lake(UPath(tmp_path))
    for day in ("2026-03-03", "2026-03-02"):
        storage.write(tables.path("feed_listing", day), lake.encode([PAPER], Paper))
    assert tables.partitions("feed_listing") == ["2026-03-02", "2026-03-03"]
    assert tables.partitions("nothing") == []
    assert tables.read("feed_listing", "2026-03-04", Paper) is None
