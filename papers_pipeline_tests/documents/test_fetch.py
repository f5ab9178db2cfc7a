"""Documents are downloaded once, kept for some days and never lost.

The sandbox serves real PDFs over HTTP.
"""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from upath import UPath

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.http import session
from papers_pipeline.base.per_paper import NullProgress
from papers_pipeline.documents import fetch
from papers_pipeline.documents.arxiv import ArxivClient
from papers_pipeline.documents.fetch import Documents
from papers_pipeline.records import Paper, PaperFigures, PaperPdf, ParsedPaper
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.world import SAMPLE, Fault, World
from papers_pipeline.store.cache import Cache

NOW = datetime(2026, 3, 5, 6, tzinfo=UTC)
ONE_COLUMN, TWO_COLUMNS, TEAM, BROKEN, NO_HTML = (
    "2602.90023",
    "2602.90011",
    "2602.90040",
    "2602.90216",
    "2602.90057",
)


class NoLimit:
    def acquire(self) -> None:
        pass


class Library:
    """The stored documents of a test, and the sandbox that serves them."""

    def __init__(self, world: World, url: str, folder: Path) -> None:
        self.world, self.url, self.folder, self.clock = world, url, folder, FixedClock(NOW)
        self.blobs = folder / "blobs" / "pdf"

    def opened(self, keep_days: int = 7) -> Documents:
        """Documents as a new run opens them."""
        return Documents(
            ArxivClient(self.url, session(retries=0), NoLimit(), backoff_seconds=0.01),
            data=UPath(self.folder),
            cache=Cache(UPath(self.folder) / "cache", self.folder / "home" / "locks", self.clock),
            clock=self.clock,
            keep=timedelta(days=keep_days),
        )

    def pdfs(
        self, *ids: str, earlier: list[PaperPdf] = (), run: Documents | None = None
    ) -> list[PaperPdf]:
        run = run or self.opened()
        return asyncio.run(run.pdfs(papers(*ids), earlier=earlier, progress=NullProgress()))[0]

    def parsed(
        self, pdfs: list[PaperPdf], earlier: list[ParsedPaper] = (), keep_days: int = 7
    ) -> list[ParsedPaper]:
        return asyncio.run(
            self.opened(keep_days).parsed(pdfs, earlier=earlier, progress=NullProgress())
        )[0]

    def figures(self, *ids: str, earlier: list[PaperFigures] = ()) -> list[PaperFigures]:
        return asyncio.run(
            self.opened().figures(papers(*ids), earlier=earlier, progress=NullProgress())
        )[0]

    def asked(self, kind: str) -> int:
        return sum(times for what, times in self.world.asked.items() if what.startswith(kind))


def papers(*ids: str, published: datetime = NOW) -> list[Paper]:
    return [
        Paper(
            arxiv_id=arxiv_id,
            title=arxiv_id,
            abstract="",
            authors=[],
            published_at=published,
            first_seen_at=published,
        )
        for arxiv_id in ids
    ]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    world = World(folder=SAMPLE, now=NOW)
    with running(world) as url:
        yield Library(world, url, tmp_path)


def test_a_pdf_is_downloaded_once_and_named_by_id_and_hash(library: Library):
    (row,) = library.pdfs(ONE_COLUMN)
    assert (row.state, row.blob) == ("done", f"{ONE_COLUMN}-{row.sha256[:12]}.pdf")
    assert (library.blobs / row.blob).stat().st_size == row.bytes
    assert library.pdfs(ONE_COLUMN) == [row]
    assert library.asked("pdf") == 1


@pytest.mark.parametrize(
    ("arxiv_id", "reason"),
    [("2602.99999", "not_found"), ("2602.90118", "withdrawn"), (BROKEN, "not_a_pdf")],
)
def test_a_final_failure_is_not_retried_before_it_expires(
    library: Library, arxiv_id: str, reason: str
):
    for _ in range(2):
        (row,) = library.pdfs(arxiv_id)
        assert (row.state, row.reason) == ("failed", reason)
    assert library.asked("pdf") == 1
    library.clock.moment += timedelta(days=31)
    library.pdfs(arxiv_id)
    assert library.asked("pdf") == 2


def test_a_throttled_run_sends_no_more_requests(library: Library):
    library.world.faults.append(Fault("/pdf/", 403, times=99))
    run = library.opened()
    first = library.pdfs(ONE_COLUMN, run=run)
    rest = library.pdfs(TWO_COLUMNS, TEAM, run=run)
    assert {row.reason for row in (*first, *rest)} == {"throttled"}
    left = library.world.faults.pop().times
    assert 99 - left == 4
    assert library.pdfs(ONE_COLUMN)[0].state == "done"


def test_an_unavailable_document_keeps_its_row_from_the_last_build(library: Library):
    before = library.pdfs(ONE_COLUMN)
    shutil.rmtree(library.folder / "cache")
    library.world.faults.append(Fault("/pdf/", 404, times=99))
    assert library.pdfs(ONE_COLUMN, earlier=before) == before


def test_text_of_every_layout_is_parsed_once(library: Library):
    pdfs = library.pdfs(ONE_COLUMN, TWO_COLUMNS, TEAM, BROKEN)
    rows = library.parsed(pdfs)
    assert [row.state for row in rows] == ["done", "done", "done", "pending"]
    assert rows[3].reason == "no_pdf"
    assert "1Department of Computer Science, ETH Zürich" in rows[1].header
    assert [section.title for section in rows[1].sections][:2] == ["Abstract", "1 Introduction"]
    assert {row.version for row in rows[:3]} == {1}
    shutil.rmtree(library.blobs)
    assert library.parsed(pdfs) == rows


def test_a_pruned_pdf_is_downloaded_again_only_for_a_newer_parser(library: Library, monkeypatch):
    pdfs = library.pdfs(ONE_COLUMN)
    rows = library.parsed(pdfs)
    assert library.opened().prune() == []
    library.clock.moment += timedelta(days=7)
    assert library.opened().prune() == [pdfs[0].blob]
    assert list(library.blobs.iterdir()) == []
    assert library.pdfs(ONE_COLUMN) == pdfs
    assert library.parsed(pdfs) == rows
    assert library.asked("pdf") == 1
    monkeypatch.setattr(fetch, "PARSER_VERSION", "2")
    (row,) = library.parsed(pdfs, rows)
    assert (row.state, row.parser_version, row.header) == ("done", "2", rows[0].header)
    assert library.asked("pdf") == 2


def test_a_newer_parser_keeps_the_row_of_a_paper_whose_pdf_is_gone(library: Library, monkeypatch):
    pdfs = library.pdfs(ONE_COLUMN)
    rows = library.parsed(pdfs)
    shutil.rmtree(library.blobs)
    monkeypatch.setattr(fetch, "PARSER_VERSION", "2")
    library.world.faults.append(Fault("/pdf/", 404, times=99))
    assert library.parsed(pdfs, rows) == rows


def test_a_pdf_that_changed_replaces_the_old_one(library: Library, monkeypatch):
    pdfs = library.pdfs(ONE_COLUMN)
    shutil.rmtree(library.blobs)
    other = library.folder / "other"
    (other / "pdf").mkdir(parents=True)
    newer = asyncio.run(_bytes_of(library, TWO_COLUMNS))
    (other / "pdf" / f"{ONE_COLUMN}.pdf").write_bytes(newer)
    library.world.folder = other
    (row,) = library.parsed(pdfs)
    assert row.sha256 != pdfs[0].sha256
    (now,) = library.pdfs(ONE_COLUMN)
    assert now.sha256 == row.sha256
    assert library.parsed([now]) == [row]


async def _bytes_of(library: Library, arxiv_id: str) -> bytes:
    rows, _ = await library.opened().pdfs(papers(arxiv_id), earlier=[], progress=NullProgress())
    return (library.blobs / rows[0].blob).read_bytes()


def test_with_zero_days_to_keep_a_pdf_is_deleted_after_parsing(library: Library):
    pdfs = library.pdfs(ONE_COLUMN)
    library.parsed(pdfs, keep_days=0)
    assert list(library.blobs.iterdir()) == []


def test_a_pdf_that_was_never_parsed_is_not_pruned(library: Library):
    library.pdfs(ONE_COLUMN)
    library.clock.moment += timedelta(days=99)
    assert library.opened().prune() == []


def test_figures_have_arxiv_links_captions_and_sections(library: Library):
    (row,) = library.figures(TWO_COLUMNS)
    first = row.figures[0]
    assert first.url == f"https://arxiv.org/html/{TWO_COLUMNS}v1/x1.png"
    assert first.caption.startswith("Forecast of cache use over the next 30 seconds")
    assert first.section == "Method"
    assert not any(figure.is_dead for figure in row.figures)
    library.figures(TWO_COLUMNS)
    assert library.asked("html") == 1
    assert library.asked("figure") == 1


def test_dead_links_are_marked(library: Library):
    library.world.faults.append(Fault("/x", 404, times=99))
    (row,) = library.figures(TWO_COLUMNS)
    assert [figure.is_dead for figure in row.figures] == [True] * len(row.figures)


def test_missing_html_is_requested_daily_for_14_days(library: Library):
    for days in (0, 1, 2, 15, 16, 30):
        library.clock.moment = NOW + timedelta(days=days, hours=1)
        (row,) = library.figures(NO_HTML)
        assert (row.state, row.reason) == ("failed", "not_found")
    assert library.asked("html") == 4
