"""Documents are downloaded once, kept for some days and never lost.

The sandbox serves real PDFs over HTTP.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymupdf
import pytest
import requests
from upath import UPath

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.http import session
from papers_pipeline.base.per_paper import NullProgress
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.documents import fetch
from papers_pipeline.documents.arxiv import ArxivClient
from papers_pipeline.documents.fetch import Documents
from papers_pipeline.documents.pool import Workers
from papers_pipeline.records import Paper, PaperFigures, PaperPdf, ParsedPaper
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.typeset import MUPDF
from papers_pipeline.sandbox.world import SAMPLE, Fault, World
from papers_pipeline.store.purchases import Purchases

NOW = datetime(2026, 3, 5, 6, tzinfo=UTC)
ONE_COLUMN, TWO_COLUMNS, TEAM, BROKEN, NO_HTML = (
    "2602.90023",
    "2602.90011",
    "2602.90040",
    "2602.90216",
    "2602.90057",
)


class NoLimit:
    def acquire(self, note: Any, *, is_urgent: bool) -> None:
        pass

    def pause(self, seconds: float) -> None:
        pass


class Library:
    """The stored documents of a test, and the sandbox that serves them."""

    def __init__(self, world: World, url: str, folder: Path) -> None:
        self.world, self.url, self.folder, self.clock = world, url, folder, FixedClock(NOW)
        self.coordination = FileCoordination(folder / "home", folder / "ledger")
        self.blobs = folder / "blobs" / "pdf"
        self.http = session(retries=0)

    def serve(self, body: bytes, arxiv_id: str = ONE_COLUMN) -> None:
        """Serve a PDF from now on, and the sample's others no longer."""
        self.world.folder = self.folder / "served"
        path = self.world.folder / "pdf" / f"{arxiv_id}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def opened(self, keep_days: int = 7, workers: Workers | None = None) -> Documents:
        """Documents as a new run opens them."""
        return Documents(
            ArxivClient(self.url, self.http, NoLimit(), backoff_seconds=0.01),
            data=UPath(self.folder),
            purchases=Purchases(UPath(self.folder) / "purchases", self.coordination, self.clock),
            clock=self.clock,
            keep=timedelta(days=keep_days),
            workers=workers,
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

    def figures(
        self, *ids: str, earlier: list[PaperFigures] = (), run: Documents | None = None
    ) -> list[PaperFigures]:
        run = run or self.opened()
        return asyncio.run(run.figures(papers(*ids), earlier=earlier, progress=NullProgress()))[0]

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


def pdf(pages: int = 2, text: str = "", **saved: Any) -> bytes:
    """A PDF whose pages all show the same text."""
    with MUPDF, pymupdf.open() as document:
        first = document.new_page()
        if text:
            first.insert_text((72, 200), "1 Introduction", fontname="hebo", fontsize=14)
            first.insert_text((72, 230), text, fontname="tiro", fontsize=5)
        for _ in range(pages - 1):
            document.fullcopy_page(0)
        return document.tobytes(garbage=4, deflate=True, no_new_id=True, **saved)


def slow_to_repair() -> bytes:
    """A PDF of 780 kB that MuPDF takes over ten seconds to repair.

    It has no index, and object streams that a thousand times more numbers are packed into.
    """
    pairs = 5_000_000
    packed = zlib.compress(b"1 0 " * pairs, 9)
    header = f"<</Type/ObjStm/N {pairs}/First {4 * pairs}/Filter/FlateDecode/Length {len(packed)}>>"
    body = header.encode() + b"\nstream\n" + packed + b"\nendstream\nendobj\n"
    streams = b"".join(b"%d 0 obj\n" % number + body for number in range(10, 50))
    return b"%PDF-1.5\n" + streams + b"trailer\n<</Root 1 0 R>>\n%%EOF\n"


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


def test_the_page_count_is_that_of_the_file(library: Library):
    library.serve(pdf(pages=3))
    assert library.pdfs(ONE_COLUMN)[0].pages == 3


def test_an_encrypted_pdf_is_a_final_failure(library: Library):
    library.serve(pdf(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="user", owner_pw="owner"))
    for _ in range(2):
        (row,) = library.pdfs(ONE_COLUMN)
        assert (row.state, row.reason) == ("failed", "encrypted")
        assert row.detail == "the file needs a password"
    assert library.asked("pdf") == 1


def test_a_pdf_that_only_forbids_changes_is_accepted(library: Library):
    library.serve(pdf(encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="owner"))
    assert library.pdfs(ONE_COLUMN)[0].pages == 2


@pytest.mark.parametrize("kept", [0.5, 0.05], ids=["half of it", "its first bytes"])
def test_a_damaged_pdf_is_downloaded_twice_before_the_failure_is_final(
    library: Library, kept: float
):
    body = pdf()
    library.serve(body[: int(len(body) * kept)])
    for _ in range(2):
        (row,) = library.pdfs(ONE_COLUMN)
        assert (row.state, row.reason) == ("failed", "damaged")
    assert library.asked("pdf") == 2


def test_a_pdf_that_is_complete_the_second_time_is_accepted(library: Library):
    body = pdf()
    library.serve(body[: len(body) // 2])

    def mended(_: requests.Response, **__: Any) -> None:
        library.serve(body)

    library.http.hooks["response"].append(mended)
    (row,) = library.pdfs(ONE_COLUMN)
    assert (row.state, row.bytes) == ("done", len(body))
    assert library.asked("pdf") == 2


def test_a_pdf_that_takes_too_long_to_open_costs_its_paper_alone(library: Library):
    library.serve(pdf(), TWO_COLUMNS)
    library.serve(slow_to_repair())
    run = library.opened(workers=Workers(2, time_limit=3))
    slow, sound = library.pdfs(ONE_COLUMN, TWO_COLUMNS, run=run)
    assert (slow.state, slow.reason, sound.state) == ("failed", "timeout", "done")
    assert library.pdfs(ONE_COLUMN) == [slow]
    assert library.asked("pdf") == 2


@pytest.mark.parametrize(
    ("body", "cut"),
    [
        (lambda: pdf(pages=1001, text="A line."), "text cut at 1000 of 1001 pages"),
        (
            lambda: pdf(pages=1000, text="\n".join(["word " * 30] * 80)),
            "text cut at 3000000 characters, on page 2",
        ),
    ],
    ids=["pages", "characters"],
)
def test_a_text_longer_than_any_paper_is_cut_and_says_so(library: Library, body: Any, cut: str):
    library.serve(body())
    pdfs = library.pdfs(ONE_COLUMN)
    (row,) = library.parsed(pdfs)
    assert (row.state, row.pages) == ("done", pdfs[0].pages)
    assert row.detail.startswith(cut)
    assert sum(len(section.text) for section in row.sections) <= 3_100_000
    assert library.parsed(pdfs) == [row]


DOWNLOAD = """
import json, sys
from pathlib import Path
from papers_pipeline_tests.documents.test_fetch import Library, World

if __name__ == "__main__":
    url, folder, arxiv_id = sys.argv[1:]
    for name in [name for name in sys.modules if name.partition(".")[0] == "pymupdf"]:
        del sys.modules[name]
    library = Library(World(), url, Path(folder))
    pdfs = library.pdfs(arxiv_id)
    texts = library.parsed(pdfs)
    print(json.dumps([pdfs[0].state, texts[0].state, "pymupdf" in sys.modules]))
"""


def test_the_main_process_never_opens_a_pdf(library: Library, tmp_path: Path):
    script = tmp_path / "download.py"
    script.write_text(DOWNLOAD)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    said = subprocess.check_output(
        [sys.executable, script, library.url, tmp_path, ONE_COLUMN], text=True, env=environment
    )
    assert json.loads(said) == ["done", "done", False]


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
    shutil.rmtree(library.folder / "purchases")
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


def test_html_that_takes_too_long_costs_its_paper_alone_and_is_not_tried_again(library: Library):
    served = library.folder / "served" / "html"
    served.mkdir(parents=True)
    images = "".join(f"<img src='x{number}.png'>" for number in range(400_000))
    (served / f"{ONE_COLUMN}.html").write_text(f"<figure class='ltx_figure'>{images}</figure>")
    (served / f"{TWO_COLUMNS}.html").write_text("<figure class='ltx_figure'><img src='x1.png'>")
    library.world.folder = library.folder / "served"
    run = library.opened(workers=Workers(2, processor_limit=2))
    slow, sound = library.figures(ONE_COLUMN, TWO_COLUMNS, run=run)
    assert (slow.state, slow.reason) == ("failed", "timeout")
    assert slow.detail == "after 2 s of a processor"
    assert [figure.url for figure in sound.figures] == [
        f"https://arxiv.org/html/{TWO_COLUMNS}/x1.png"
    ]
    assert library.figures(ONE_COLUMN) == [slow]
    assert library.asked("html") == 2


def test_missing_html_is_requested_daily_for_14_days(library: Library):
    for days in (0, 1, 2, 15, 16, 30):
        library.clock.moment = NOW + timedelta(days=days, hours=1)
        (row,) = library.figures(NO_HTML)
        assert (row.state, row.reason) == ("failed", "not_found")
    assert library.asked("html") == 4
