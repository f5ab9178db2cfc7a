"""arXiv's PDFs and HTML in every fault: what stays, how often they are asked for, what is told."""

import asyncio
import gzip
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from upath import UPath

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.http import session
from papers_pipeline.base.per_paper import NullProgress, Outcome
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.documents.arxiv import ArxivClient
from papers_pipeline.documents.fetch import Documents
from papers_pipeline.documents.pool import Workers
from papers_pipeline.records import Figure, Paper, PaperFigures, PaperPdf, StageRow
from papers_pipeline.runs import mark_dead_runs
from papers_pipeline.sandbox.typeset import MUPDF
from papers_pipeline.sandbox.world import Fault
from papers_pipeline.settings import load_settings
from papers_pipeline.store import files as storage
from papers_pipeline.store.purchases import Purchases
from papers_pipeline.wiring import coordination_of
from papers_pipeline_tests.audit.matrix import Cell
from papers_pipeline_tests.conftest import LONG_AGO, Outside, Pipeline
from papers_pipeline_tests.helpers.disk import full
from papers_pipeline_tests.helpers.outside import FEED, kettles
from papers_pipeline_tests.helpers.repeating import times
from papers_pipeline_tests.helpers.speaking import endless, gzipped, speaking
from papers_pipeline_tests.helpers.terminal import start, wait_until

DAY = "2026-03-02"
ID, OTHER = "2603.10001", "2603.10002"
HTML = {"Content-Type": "text/html"}
PAGE = "<figure class='ltx_figure'><img src='x1.png'></figure>"
DRIP = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n%PDF-1.7 <html>"
BOMB = gzip.compress(b"%PDF-1.7" + bytes(200_000_000))
WORKERS = Workers(1)
EARLIER = {
    "PDF": PaperPdf(arxiv_id=ID, state="done", blob="earlier.pdf", sha256="0" * 64, bytes=1),
    "HTML": PaperFigures(
        arxiv_id=ID,
        state="done",
        figures=[Figure(url="https://arxiv.org/html/2603.10001/x1.png", caption="A kettle.")],
    ),
}
"""The rows of the last build."""


@pytest.fixture(scope="module", autouse=True)
def workers() -> Iterator[None]:
    """Workers that stay for all tests: starting one takes a second."""
    with WORKERS:
        yield


class Outcomes(NullProgress):
    """Keeps how each paper ended."""

    def __init__(self) -> None:
        self.ended: dict[str, Outcome[Any]] = {}

    def done(self, outcome: Outcome[Any]) -> None:
        self.ended[outcome.arxiv_id] = outcome


class Library:
    """The documents of two papers, at an address that may be unwell. A second is a millisecond."""

    def __init__(self, outside: Outside, folder: Path) -> None:
        self.outside, self.folder, self.clock = outside, folder, FixedClock(LONG_AGO)
        self.coordination = FileCoordination(folder / "home", folder / "ledger")
        self.seconds = 300.0
        for arxiv_id in (ID, OTHER):
            self.put("pdf", f"{arxiv_id}.pdf", pdf())
            self.put("html", f"{arxiv_id}.html", PAGE.encode())

    def put(self, kind: str, name: str, content: bytes) -> None:
        path = self.outside.world.folder / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def opened(self, url: str = "") -> Documents:
        http = session(retries=0, longest_exchange=self.seconds)
        return Documents(
            ArxivClient(url or self.outside.url, http, NoLimit(), backoff_seconds=0.001),
            data=UPath(self.folder),
            purchases=Purchases(UPath(self.folder) / "purchases", self.coordination, self.clock),
            clock=self.clock,
            keep=timedelta(days=7),
            workers=WORKERS,
        )

    def build(
        self, party: str, *ids: str, earlier: Sequence[StageRow] = (), url: str = ""
    ) -> tuple[list[Any], Outcome[Any]]:
        """The rows of these papers, as a new run makes them, and how the first one ended."""
        documents = self.opened(url)
        ended = Outcomes()
        work = documents.pdfs if party == "PDF" else documents.figures
        asked = ids or (ID,)
        rows, _ = asyncio.run(work(papers(*asked), earlier=earlier, progress=ended))
        return rows, ended.ended[asked[0]]

    def parsed(self, pdfs: Sequence[PaperPdf]) -> list[Any]:
        work = self.opened().parsed(pdfs, earlier=[], progress=NullProgress())
        return asyncio.run(work)[0]


class NoLimit:
    def acquire(self, note: Any, *, is_urgent: bool = False) -> None:
        pass

    def pause(self, seconds: float) -> None:
        pass


def pdf() -> bytes:
    with MUPDF, pymupdf.open() as document:
        document.new_page().insert_text((72, 200), "A kettle")
        return document.tobytes(no_new_id=True)


def papers(*ids: str) -> list[Paper]:
    listed = partial(Paper, abstract="", authors=[], published_at=LONG_AGO, first_seen_at=LONG_AGO)
    return [listed(arxiv_id=arxiv_id, title=arxiv_id) for arxiv_id in ids]


@pytest.fixture
def library(outside: Outside, tmp_path: Path) -> Library:
    return Library(outside, tmp_path / "library")


def parties(cell: Cell) -> tuple[str, ...]:
    return (cell.party,) if isinstance(cell.party, str) else cell.party


def path_of(party: str) -> str:
    return f"/{party.lower()}/{ID}"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            {"status": 403, "body": "Access denied"},
            marks=pytest.mark.fault(
                party=("PDF", "HTML"),
                fault="401 or 403",
                kept="the paper's row, and every other paper",
                retried="3 times, then by each build",
                told="answered 403",
            ),
        ),
        pytest.param(
            {"status": 429},
            marks=pytest.mark.fault(
                party=("PDF", "HTML"),
                fault="429",
                kept="the paper's row, and every other paper",
                retried="3 times, then by each build",
                told="answered 429",
            ),
        ),
        pytest.param(
            {"status": 500},
            marks=pytest.mark.fault(
                party=("PDF", "HTML"),
                fault="5xx",
                kept="the paper's row, and every other paper",
                retried="3 times, then by each build",
                told="answered 500",
            ),
        ),
        pytest.param(
            {"cut_after": 20},
            marks=pytest.mark.fault(
                party=("PDF", "HTML"),
                fault="cut short",
                kept="the paper's row, and every other paper",
                retried="3 times, then by each build",
                told="broke off at ",
            ),
        ),
        pytest.param(
            {"status": 404, "body": "Not found"},
            marks=pytest.mark.fault(
                party="PDF",
                fault="404",
                kept="the paper's row, and every other paper",
                retried="no, then after a day",
                told="answered 404",
            ),
        ),
        pytest.param(
            {"status": 404, "body": "Not found"},
            marks=pytest.mark.fault(
                party="HTML",
                fault="404",
                kept="the paper's row, and every other paper",
                retried="no, then after a day",
                told="not_found",
            ),
        ),
        pytest.param(
            {"status": 404, "body": "This paper has been withdrawn."},
            marks=pytest.mark.fault(
                party="PDF",
                fault="changed or withdrawn",
                kept="the paper's row, and every other paper",
                retried="no, then after 30 days",
                told="withdrawn: ",
            ),
        ),
        pytest.param(
            {"body": "%!PS-Adobe-2.0"},
            marks=pytest.mark.fault(
                party="PDF",
                fault="malformed",
                kept="the paper's row, and every other paper",
                retried="no, then after 30 days",
                told="is b'%!PS-Adobe-2.0'",
            ),
        ),
    ],
    ids=str,
)
def test_a_document_that_cannot_be_had_costs_its_paper_alone(
    cell: Cell, library: Library, outside: Outside, fault: dict[str, Any]
):
    for party in parties(cell):
        outside.world.faults[:] = [Fault(path_of(party), times=99, **fault)]

        def tries(fault: Fault = outside.world.faults[0]) -> int:
            asked, fault.times = 99 - fault.times, 99
            return asked

        earlier = EARLIER[party]
        rows, ended = library.build(party, ID, earlier=[earlier])
        assert rows == [earlier]
        assert cell.told in f"{ended.reason}: {ended.detail}"
        asked = tries()
        if cell.fault not in ("401 or 403", "429"):  # which ends all requests of the run
            assert library.build(party, OTHER)[0][0].state == "done"
        later = {"by each build": 0, "after a day": 1, "after 30 days": 30}
        again, when = cell.retried.split(", then ")
        assert again == times(asked)
        library.build(party)
        if later[when]:
            assert tries() == 0
            library.clock.moment += timedelta(days=later[when])
            library.build(party)
        assert tries() == asked


@pytest.mark.parametrize(
    ("answer", "pause_seconds"),
    [
        pytest.param(
            lambda _: [],
            0,
            marks=pytest.mark.fault(
                party=("PDF", "HTML"),
                fault="unreachable",
                kept="the paper's row",
                retried="3 times, then by each build",
                told="unreachable: ",
            ),
        ),
        pytest.param(
            lambda _: endless(DRIP),
            0.05,
            marks=pytest.mark.fault(
                party=("PDF", "HTML"),
                fault="slow or drips",
                kept="the paper's row",
                retried="no, then by each build",
                told="no complete answer within 0.3 s",
            ),
        ),
        pytest.param(
            lambda _: [b""],
            60,
            marks=pytest.mark.fault(
                party=("PDF", "HTML"),
                fault="timeout",
                kept="the paper's row",
                retried="no, then by each build",
                told="no complete answer within 0.3 s",
            ),
        ),
        pytest.param(
            lambda _: gzipped(BOMB, "text/html"),
            0,
            marks=pytest.mark.fault(
                party="HTML",
                fault="hostile",
                kept="the paper's row",
                retried="no, then after 30 days",
                told="more than 30000000 bytes",
            ),
        ),
        pytest.param(
            lambda _: gzipped(BOMB, "application/pdf"),
            0,
            marks=pytest.mark.fault(
                party="PDF",
                fault="hostile",
                kept="the paper's row",
                retried="no, then after 30 days",
                told="more than 100000000 bytes",
            ),
        ),
    ],
    ids=["unreachable", "drips", "silent", "HTML bomb", "PDF bomb"],
)
def test_a_document_that_does_not_come_to_an_end_costs_its_paper_alone(
    cell: Cell, library: Library, answer: Any, pause_seconds: float
):
    if cell.fault != "hostile":
        library.seconds = 0.3
    for party in parties(cell):
        with speaking(answer, pause_seconds) as speaker:
            build = partial(library.build, party, ID, earlier=[EARLIER[party]], url=speaker.url)
            rows, ended = build()
            assert rows == [EARLIER[party]]
            assert cell.told in f"{ended.reason}: {ended.detail}"
            tries = speaker.count(path_of(party))
            again, when = cell.retried.split(", then ")
            assert again == times(tries)
            build()
            if when == "after 30 days":
                assert speaker.count(path_of(party)) == tries
                library.clock.moment += timedelta(days=30)
                build()
            assert speaker.count(path_of(party)) == 2 * tries


@pytest.mark.fault(
    party="HTML",
    fault="malformed",
    kept="the paper, without figures",
    retried="no",
    told="",
)
def test_html_that_is_no_html_has_no_figures(cell: Cell, library: Library, outside: Outside):
    outside.world.faults.append(Fault(path_of("HTML"), 200, "\0\1<<figure ]]> &#0;", HTML, times=9))
    (row,), _ = library.build("HTML")
    assert (row.state, row.figures, row.detail) == ("done", [], None)
    library.build("HTML")
    assert outside.world.faults[0].times == 8


@pytest.mark.fault(
    party="PDF",
    fault="cut short",
    kept="the paper's row, and every other paper",
    retried="once, then after 30 days",
    told="damaged: ",
)
def test_a_pdf_that_was_stored_in_part_at_arxiv_is_asked_for_once_more(
    cell: Cell, library: Library, outside: Outside
):
    library.put("pdf", f"{ID}.pdf", pdf()[:300])
    rows, ended = library.build("PDF", ID, earlier=[EARLIER["PDF"]])
    assert rows == [EARLIER["PDF"]]
    assert cell.told in f"{ended.reason}: {ended.detail}"
    library.build("PDF")
    assert cell.retried == f"{times(outside.world.asked[f'pdf {ID}'])}, then after 30 days"
    library.clock.moment += timedelta(days=30)
    library.build("PDF")
    assert outside.world.asked[f"pdf {ID}"] == 4


@pytest.mark.fault(
    party="HTML",
    fault="changed or withdrawn",
    kept="the figures with their captions, marked as gone",
    retried="no",
    told="",
)
def test_figures_that_arxiv_no_longer_has_are_marked(
    cell: Cell, library: Library, outside: Outside
):
    outside.world.faults.append(Fault("/x1.png", 404, times=9))
    (row,), _ = library.build("HTML")
    assert (row.state, [figure.is_dead for figure in row.figures]) == ("done", [True])
    assert library.build("HTML")[0] == [row]
    assert outside.world.faults[0].times == 8


@pytest.mark.fault(
    party=("PDF", "HTML"),
    fault="full disk",
    kept="the paper's row",
    retried="by each build",
    told="No space left on device",
)
def test_a_document_that_does_not_fit_on_the_disk_costs_its_paper_alone(
    cell: Cell, library: Library, monkeypatch
):
    for party in parties(cell):
        with monkeypatch.context() as disk:
            disk.setattr(storage, "write", full("blobs" if party == "PDF" else "purchases"))
            rows, ended = library.build(party, ID, earlier=[EARLIER[party]])
        assert rows == [EARLIER[party]]
        assert cell.told in f"{ended.reason}: {ended.detail}"
        assert library.build(party)[0][0].state == "done"


@pytest.mark.fault(
    party="PDF",
    fault="damaged file",
    kept="the paper's text",
    retried="at once",
    told="is damaged: it is downloaded again",
)
def test_a_stored_pdf_that_is_damaged_is_downloaded_again(
    cell: Cell, library: Library, outside: Outside, caplog
):
    (row,), _ = library.build("PDF")
    blob = library.folder / "blobs" / "pdf" / row.blob
    sound = blob.read_bytes()
    blob.write_bytes(sound[:300])
    (text,) = library.parsed([row])
    assert (text.state, "A kettle" in text.header) == ("done", True)
    assert f"{blob} {cell.told}" in caplog.text
    assert blob.read_bytes() == sound
    assert outside.world.asked[f"pdf {ID}"] == 2


@pytest.mark.fault(
    party="HTML",
    fault="damaged file",
    kept="the paper's figures",
    retried="at once",
    told="It is set aside as ",
)
def test_stored_figures_that_are_damaged_are_asked_for_again(
    cell: Cell, library: Library, outside: Outside, caplog
):
    rows, _ = library.build("HTML")
    for path in library.folder.glob("purchases/figures/*/*.json"):
        path.write_bytes(b"{")
    assert library.build("HTML")[0] == rows
    assert cell.told in caplog.text
    assert outside.world.asked[f"html {ID}"] == 2


@pytest.mark.slow
@pytest.mark.fault(
    party=("PDF", "HTML"),
    fault="killed process",
    kept="every document that had come",
    retried="by each build",
    told="ended without reporting a result. Its finished work is kept.",
)
def test_a_build_that_is_killed_while_documents_come_leaves_nothing_half(
    cell: Cell, outside: Outside, pipeline: Pipeline, tmp_path: Path
):
    Library(outside, tmp_path / "library")  # which serves both papers
    outside.list(DAY, kettles(1, 2))
    pipeline.build(DAY, only=FEED)
    both = ("paper_pdfs", "figures")
    stuck = [Fault(f"/{kind}/{OTHER}", seconds=600) for kind in ("pdf", "html")]
    outside.world.faults += stuck
    build = start("build", "--date", DAY, "--only", "paper_pdfs", "--only", "figures")
    wait_until(lambda: [fault.times for fault in stuck] == [0, 0])
    wait_until(lambda: len(list(pipeline.data.glob("purchases/*/*/*.json"))) == 2)
    build.kill()
    build.communicate()
    (dead,) = mark_dead_runs(pipeline.instance, coordination_of(load_settings()))
    assert any(cell.told in str(entry) for entry in pipeline.instance.all_logs(dead))
    assert pipeline.build(DAY, only=both)[0].error is None
    for asset in both:
        assert [row.state for row in pipeline.rows(asset, DAY)] == ["done", "done"]
    asked = outside.world.asked
    assert [asked[f"{kind} {ID}"] for kind in ("pdf", "html")] == [1, 1]
