"""Tables return the records that were stored, and any Parquet reader can open them."""

import io
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from upath import UPath

from papers_pipeline.defs.tables import content_version
from papers_pipeline.records import (
    DailyIssue,
    IssueAuthor,
    IssueCounts,
    IssuePaper,
    IssueReadingTask,
    IssueText,
    Paper,
    Record,
    RelatedPaper,
    RelatedPapers,
    SearchedLanguage,
    SiteFile,
)
from papers_pipeline.store import files as storage
from papers_pipeline.store import lake
from papers_pipeline.store.damage import NewerFormat
from papers_pipeline.store.lake import Lake

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
            arxiv_id="2603.10001",
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
    assert lake.decode(lake.encode([row], type(row))) == [row]
    assert lake.encode([row], type(row)) == lake.encode([row], type(row))


def test_an_empty_day_has_typed_columns():
    data = lake.encode([], Paper)
    assert lake.decode(data) == []
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
    (paper,) = lake.decode(sink.getvalue().to_pybytes())
    assert (paper.status, paper.ai_keywords) == ("listed", [])


RENAMED = [
    RelatedPapers(
        arxiv_id="2603.10001",
        title="T",
        terms=[1],
        counts=[1],
        related=[RelatedPaper(arxiv_id="2603.10002", day=SEEN.date(), title="U")],
    ),
    SiteFile(path="index.html", sha256="0" * 64, bytes=1, fingerprint="f"),
    SearchedLanguage(language="en", pages=1, fingerprint="f"),
    ISSUE.model_copy(
        update={
            "reading_task": IssueReadingTask(arxiv_id="2603.10001", title="T", state="done"),
            "papers": [
                ISSUE.papers[0].model_copy(
                    update={
                        "authors": [IssueAuthor(name="Ada", institutions=["EPFL"])],
                        "institutions": ["EPFL"],
                        "institutions_source": "model",
                    }
                )
            ],
        }
    ),
]
"""Rows whose fields have another name in the code than in the file."""
STORED_NAMES = [
    ("related.list.element.id",),
    ("made_of",),
    ("made_of",),
    (
        "reading_task.id",
        "papers.list.element.id",
        "papers.list.element.affiliations.list.element",
        "papers.list.element.affiliations_source",
        "papers.list.element.authors.list.element.affiliations.list.element",
    ),
]
VERSIONS = ["ba99c371f3c166af", "bfdcf24f95315a39", "cbb96fe47e09086f", "f5eba304bb5e0f4c"]


def kind(value: object) -> str | None:
    return type(value).__name__ if isinstance(value, Record) else None


@pytest.mark.parametrize(("row", "names"), list(zip(RENAMED, STORED_NAMES, strict=True)), ids=kind)
def test_a_renamed_field_keeps_its_stored_name(row, names):
    data = lake.encode([row], type(row))
    columns = lake.pq.read_metadata(io.BytesIO(data)).schema
    stored = {columns.column(place).path for place in range(len(columns))}
    assert set(names) <= stored
    assert lake.decode(data) == [row]


@pytest.mark.parametrize(("row", "version"), list(zip(RENAMED, VERSIONS, strict=True)), ids=kind)
def test_a_renamed_field_makes_nothing_stale(row, version):
    assert content_version([row]) == version


def test_an_issue_of_the_first_release_opens_under_the_new_names():
    """Columns as the first release wrote them, named here and not derived from the record."""
    paper = {"id": "2603.10001", "title": "T", "abstract": "A", "url": "u", "pdf_url": "p"}
    paper |= {"listed_at": SEEN, "affiliations": ["EPFL"], "affiliations_source": "model"}
    paper["authors"] = [{"name": "Ada", "affiliations": ["EPFL"]}]
    task = {"id": "2603.10001", "title": "T", "state": "done"}
    day = {"date": SEEN.date(), "state": "listed", "list_state": "listed", "built_at": None}
    row = day | {"counts": {"papers": 1}, "reading_task": task, "papers": [paper]}
    table = lake.pa.Table.from_pylist([row]).replace_schema_metadata(
        {"record": "DailyIssue", "format": "1"}
    )
    sink = lake.pa.BufferOutputStream()
    lake.pq.write_table(table, sink)

    (issue,) = lake.decode(sink.getvalue().to_pybytes())
    assert isinstance(issue, DailyIssue)
    assert issue.reading_task is not None
    assert issue.reading_task.arxiv_id == "2603.10001"
    (shown,) = issue.papers
    assert (shown.arxiv_id, shown.institutions) == ("2603.10001", ["EPFL"])
    assert (shown.institutions_source, shown.authors[0].institutions) == ("model", ["EPFL"])


DAY = "2026-03-02"


def not_utf8(data: bytes) -> bytes:
    """A table without checksums whose only title is no text any more."""
    table = lake.pq.read_table(io.BytesIO(data)).drop_columns(["title"])
    bad = lake.pa.array([b"\xff"]).view(lake.pa.string())
    field = lake.pa.field("title", lake.pa.string(), nullable=False)
    sink = lake.pa.BufferOutputStream()
    lake.pq.write_table(table.append_column(field, bad), sink)
    return bytes(sink.getvalue())


def without_title(data: bytes) -> bytes:
    sink = lake.pa.BufferOutputStream()
    lake.pq.write_table(lake.pq.read_table(io.BytesIO(data)).drop_columns(["title"]), sink)
    return bytes(sink.getvalue())


def unnamed(data: bytes) -> bytes:
    sink = lake.pa.BufferOutputStream()
    table = lake.pq.read_table(io.BytesIO(data)).replace_schema_metadata(None)
    lake.pq.write_table(table, sink)
    return bytes(sink.getvalue())


def renamed(data: bytes) -> bytes:
    return data.replace(b"organization", b"organizatiom", 1)


DAMAGES = {
    "cut": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "junk": lambda data: b"PAR1 no",
    "zeros": lambda data: bytes(len(data)),
    "text": not_utf8,
    "column": without_title,
    "name": unnamed,
    "renamed": renamed,
}
READERS = {
    "rows": lambda tables: tables.read("feed_listing", DAY, Paper),
    "columns": lambda tables: tables.columns("feed_listing", DAY, ["arxiv_id", "title"]),
    "scan": lambda tables: lake.scan(tables, "feed_listing", [DAY], ["title"]).get(DAY),
}


@pytest.mark.parametrize("damage", list(DAMAGES.values()), ids=list(DAMAGES))
@pytest.mark.parametrize("read", list(READERS.values()), ids=list(READERS))
def test_a_damaged_table_is_set_aside_named_once_and_absent(tmp_path, caplog, damage, read):
    tables = Lake(UPath(tmp_path))
    path = tables.path("feed_listing", DAY)
    data = damage(lake.encode([PAPER], Paper))
    storage.write(path, data)
    assert [read(tables), read(tables)] == [None, None]
    assert tables.partitions("feed_listing") == []
    assert storage.read(path.with_name(f"{DAY}.parquet.damaged")) == data
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith(f"{path} is damaged (")
    assert message.endswith(
        f"It is set aside as {DAY}.parquet.damaged, and the next build makes it again."
    )


def of_newer_release(**metadata: str) -> bytes:
    table = lake.pq.read_table(io.BytesIO(lake.encode([PAPER], Paper)))
    sink = lake.pa.BufferOutputStream()
    stated = {"record": "Paper", "format": "1"} | metadata
    lake.pq.write_table(table.replace_schema_metadata(stated), sink)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("newer", [{"format": "2"}, {"record": "PaperOfTomorrow"}], ids=str)
@pytest.mark.fault(
    party="disk",
    fault="changed or withdrawn",
    kept="the file: what a newer release wrote is not replaced",
    retried="no",
    told=" by a newer release",
)
def test_a_table_of_a_newer_release_is_refused_and_never_replaced(tmp_path, newer):
    tables = Lake(UPath(tmp_path))
    path = tables.path("feed_listing", DAY)
    data = of_newer_release(**newer)
    storage.write(path, data)
    for read in (*READERS.values(), lambda tables: lake.write(path, [PAPER], Paper)):
        with pytest.raises(NewerFormat, match=r"feed_listing.* by a newer release.*: upgrade, or"):
            read(tables)
    assert storage.read(path) == data


def test_partitions_are_listed_in_order_and_a_missing_one_is_none(tmp_path):
    tables = Lake(UPath(tmp_path))
    for day in ("2026-03-03", "2026-03-02"):
        storage.write(tables.path("feed_listing", day), lake.encode([PAPER], Paper))
    assert tables.partitions("feed_listing") == ["2026-03-02", "2026-03-03"]
    assert tables.partitions("nothing") == []
    assert tables.read("feed_listing", "2026-03-04", Paper) is None
