"""The arXiv client returns complete documents or an error, and sends requests politely."""

import gzip
import hashlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymupdf
import pytest
import requests

from papers_pipeline.base.http import session
from papers_pipeline.documents.arxiv import TRIES, ArxivClient, ArxivError
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.typeset import MUPDF
from papers_pipeline.sandbox.world import Fault, World
from papers_pipeline_tests.conftest import Outside
from papers_pipeline_tests.helpers.speaking import endless, gzipped, speaking

ID = "2603.10001"
PATH = f"/pdf/{ID}"
HTML = {"Content-Type": "text/html"}
WITHDRAWN = (
    "<h1>File unavailable for 2603.10001</h1>"
    "<p>The author has provided no source to generate a PDF.</p>"
)


def pdf_bytes() -> bytes:
    """A PDF of about 200 kB."""
    with MUPDF, pymupdf.open() as document:
        document.new_page()
        document.embfile_add("noise", random.Random(1).randbytes(200_000))
        return document.tobytes(no_new_id=True)


class Counting:
    """A limit that counts requests and never waits."""

    def __init__(self) -> None:
        self.acquired = 0
        self.urgent = 0
        self.paused: list[float] = []

    def acquire(self, note: Any, *, is_urgent: bool) -> None:
        self.acquired += 1
        self.urgent += is_urgent

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)


class Arxiv:
    """A client, its limit, and the answers that it received."""

    def __init__(self, outside: Outside) -> None:
        self.limit = Counting()
        self.answers: list[requests.Response] = []
        self.http = session("mailto:someone@example.org", retries=0)
        self.http.hooks["response"].append(lambda answer, **_: self.answers.append(answer))
        self.client = ArxivClient(outside.url, self.http, self.limit, backoff_seconds=0.001)

    def statuses(self) -> list[int]:
        return [answer.status_code for answer in self.answers]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    world = World(folder=tmp_path_factory.mktemp("outside"))
    with running(world) as url:
        yield Outside(world, url)


@pytest.fixture
def outside(server: Outside, tmp_path: Path) -> Outside:
    """The shared server, with an empty folder. Stopping one takes longer than most tests."""
    server.world.folder = tmp_path / "outside"
    server.world.faults.clear()
    server.world.asked.clear()
    return server


@pytest.fixture
def arxiv(outside: Outside) -> Arxiv:
    return Arxiv(outside)


def serve(outside: Outside, body: bytes, arxiv_id: str = ID) -> Path:
    path = outside.world.folder / "pdf" / f"{arxiv_id}.pdf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def test_a_pdf_has_content_and_hash(outside: Outside, arxiv: Arxiv):
    body = pdf_bytes()
    serve(outside, body)
    got = arxiv.client.fetch_pdf(ID)
    assert got.content == body
    assert got.sha256 == hashlib.sha256(body).hexdigest()
    assert (outside.world.asked[f"pdf {ID}"], arxiv.limit.acquired) == (1, 1)
    assert arxiv.answers[0].request.headers["User-Agent"].endswith("(mailto:someone@example.org)")


def test_a_broken_connection_is_retried(outside: Outside, arxiv: Arxiv):
    body = pdf_bytes()
    serve(outside, body)
    outside.world.faults.append(Fault(PATH, cut_after=100_000, times=TRIES - 1))
    assert arxiv.client.fetch_pdf(ID).content == body
    assert arxiv.statuses() == [200] * TRIES


def test_a_connection_that_always_breaks_is_a_retryable_error(outside: Outside, arxiv: Arxiv):
    serve(outside, pdf_bytes())
    outside.world.faults.append(Fault(PATH, cut_after=40_000, times=TRIES))
    with pytest.raises(ArxivError, match="broke off") as raised:
        arxiv.client.fetch_pdf(ID)
    assert (raised.value.reason, raised.value.retryable) == ("unreachable", True)
    assert arxiv.statuses() == [200] * TRIES


def test_a_notice_after_a_broken_connection_is_an_error(outside: Outside, arxiv: Arxiv):
    body = pdf_bytes()
    serve(outside, body)
    outside.world.faults += [
        Fault(PATH, cut_after=100_000),
        Fault(PATH, 200, "<html><p>Down for maintenance</p></html>", HTML),
    ]
    with pytest.raises(ArxivError, match="maintenance"):
        arxiv.client.fetch_pdf(ID)
    assert arxiv.client.fetch_pdf(ID).content == body
    assert arxiv.statuses() == [200, 200, 200]


@pytest.mark.parametrize(
    ("fault", "reason", "retryable", "asked"),
    [
        (Fault(PATH, 404, "<h1>Not found</h1>", times=9), "not_found", False, 1),
        (Fault(PATH, 404, "<p>This paper has been withdrawn.</p>", times=9), "withdrawn", False, 1),
        (Fault(PATH, 404, WITHDRAWN, times=9), "withdrawn", False, 1),
        (
            Fault(PATH, 200, "<html>This paper was Withdrawn</html>", HTML, times=9),
            "withdrawn",
            False,
            1,
        ),
        (
            Fault(PATH, 200, "<!DOCTYPE html><p>We are generating this PDF", HTML, times=9),
            "not_a_pdf",
            True,
            1,
        ),
        (Fault(PATH, 200, "<html><p>Something else</p>", HTML, times=9), "not_a_pdf", True, 1),
        (Fault(PATH, 200, "%!PS-Adobe-2.0", times=9), "not_a_pdf", False, 1),
        (
            Fault(PATH, 500, "<p>has failed to produce PDF for the paper</p>", times=9),
            "not_found",
            False,
            1,
        ),
        (Fault(PATH, 403, "<p>is not publicly available</p>", times=9), "not_found", False, 1),
        (Fault(PATH, 403, "Access denied", times=9), "throttled", True, TRIES),
        (Fault(PATH, 406, times=9), "throttled", True, TRIES),
        (Fault(PATH, 429, times=9), "throttled", True, TRIES),
        (Fault(PATH, 503, times=9), "throttled", True, TRIES),
        (Fault(PATH, 500, times=9), "unreachable", True, TRIES),
        (Fault(PATH, 418, times=9), "unreachable", True, 1),
    ],
    ids=lambda value: f"{value.status} {value.body[:24]}" if isinstance(value, Fault) else "",
)
def test_every_refusal_has_its_reason(
    outside: Outside,
    arxiv: Arxiv,
    fault: Fault,
    reason: str,
    retryable: bool,
    asked: int,
):
    serve(outside, pdf_bytes())
    outside.world.faults.append(fault)
    with pytest.raises(ArxivError) as raised:
        arxiv.client.fetch_pdf(ID)
    assert (raised.value.reason, raised.value.retryable, raised.value.status) == (
        reason,
        retryable,
        fault.status,
    )
    assert f"{outside.url}{PATH}" in raised.value.detail
    assert (len(arxiv.answers), arxiv.limit.acquired) == (asked, asked)


def test_a_missing_server_is_unreachable():
    client = ArxivClient(
        "http://127.0.0.1:9", session(retries=0), Counting(), backoff_seconds=0.001
    )
    with pytest.raises(ArxivError) as raised:
        client.fetch_pdf(ID)
    assert (raised.value.reason, raised.value.retryable, raised.value.status) == (
        "unreachable",
        True,
        None,
    )


def test_a_pdf_over_the_limit_stops_early(outside: Outside, arxiv: Arxiv):
    serve(outside, pdf_bytes())
    with pytest.raises(ArxivError) as raised:
        arxiv.client.fetch_pdf(ID, most_bytes=50_000)
    assert (raised.value.reason, raised.value.retryable) == ("too_large", False)


def test_retry_after_is_honoured(outside: Outside, arxiv: Arxiv):
    serve(outside, pdf_bytes())
    outside.world.faults.append(Fault(PATH, 503, headers={"Retry-After": "1"}))
    started = time.monotonic()
    arxiv.client.fetch_pdf(ID)
    assert time.monotonic() - started >= 1
    assert arxiv.statuses() == [503, 200]


def test_without_retry_after_each_wait_doubles(outside: Outside, arxiv: Arxiv):
    client = ArxivClient(outside.url, arxiv.http, arxiv.limit, backoff_seconds=0.05)
    outside.world.faults.append(Fault("/html/", 503, times=9))
    started = time.monotonic()
    with pytest.raises(ArxivError):
        client.fetch_html(ID)
    assert 0.05 * (1 + 2 + 4) <= time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7),
        ("86400", 300),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 300),
        ("soon", None),
        (None, None),
    ],
)
def test_a_wait_lasts_at_most_five_minutes(
    outside: Outside,
    arxiv: Arxiv,
    monkeypatch: pytest.MonkeyPatch,
    asked: str | None,
    seconds: float | None,
):
    monkeypatch.setattr("papers_pipeline.documents.arxiv.TRIES", 1)
    headers = {"Retry-After": asked} if asked else {}
    outside.world.faults.append(Fault("/html/", 429, headers=headers))
    with pytest.raises(ArxivError) as raised:
        arxiv.client.fetch_html(ID)
    assert raised.value.wait == seconds


def test_a_long_wait_says_what_it_is_for(outside: Outside, arxiv: Arxiv):
    notes: list[str] = []
    body = pdf_bytes()
    serve(outside, body)
    outside.world.faults.append(Fault(PATH, 503, headers={"Retry-After": "3"}))
    assert arxiv.client.fetch_pdf(ID, notes.append).content == body
    assert notes == [f"waiting for arXiv: {outside.url}{PATH} answered 503 (3 s)"]


def test_each_asset_is_told_of_its_own_wait(outside: Outside, arxiv: Arxiv, monkeypatch):
    monkeypatch.setattr("papers_pipeline.documents.arxiv.NOTED_SECONDS", 1.0)
    pdfs: list[str] = []
    figures: list[str] = []
    outside.world.faults += [
        Fault(PATH, 429, headers={"Retry-After": "2"}),
        Fault(f"/html/{ID}", 500),
    ]
    serve(outside, pdf_bytes())
    slow = ArxivClient(outside.url, arxiv.http, arxiv.limit, backoff_seconds=1.0)
    both = [
        threading.Thread(target=slow.fetch_pdf, args=(ID, pdfs.append)),
        threading.Thread(target=slow.fetch_html, args=(ID, figures.append)),
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert pdfs == [f"waiting for arXiv: {outside.url}{PATH} answered 429 (2 s)"]
    # Its own error, and perhaps also the pause that the PDFs were asked for.
    assert f"waiting for arXiv: {outside.url}/html/{ID} answered 500 (1 s)" in figures


def test_whoever_waits_for_a_pause_of_others_is_told_too(outside: Outside, arxiv: Arxiv):
    notes: list[str] = []
    serve(outside, pdf_bytes())
    outside.world.faults.append(Fault(PATH, 429, headers={"Retry-After": "3"}))
    slowed = threading.Thread(target=arxiv.client.fetch_pdf, args=(ID,))
    slowed.start()
    while not arxiv.answers:
        time.sleep(0.01)
    time.sleep(0.1)
    assert arxiv.client.fetch_html(ID, notes.append) is None
    slowed.join()
    assert notes == [f"waiting for arXiv: {outside.url}{PATH} answered 429 (3 s)"]


@pytest.mark.parametrize("other", ["fetch_pdf", "fetch_html"])
def test_throttling_slows_all_threads(outside: Outside, arxiv: Arxiv, other: str):
    serve(outside, pdf_bytes())
    serve(outside, pdf_bytes(), "2603.10002")
    html = outside.world.folder / "html" / "2603.10002.html"
    html.parent.mkdir(exist_ok=True)
    html.write_text("<p>Text</p>", encoding="utf-8")
    outside.world.faults.append(Fault(PATH, 429, headers={"Retry-After": "1"}))
    slowed = threading.Thread(target=arxiv.client.fetch_pdf, args=(ID,))
    started = time.monotonic()
    slowed.start()
    while not arxiv.answers:
        time.sleep(0.01)
    time.sleep(0.05)
    getattr(arxiv.client, other)("2603.10002")
    slowed.join()
    assert time.monotonic() - started >= 1
    assert arxiv.statuses() == [429, 200, 200]


def test_pdfs_go_before_html_and_links(outside: Outside, arxiv: Arxiv):
    serve(outside, pdf_bytes())
    arxiv.client.fetch_html(ID)
    arxiv.client.alive(f"{outside.url}{PATH}")
    assert (arxiv.limit.acquired, arxiv.limit.urgent) == (2, 0)
    arxiv.client.fetch_pdf(ID)
    assert (arxiv.limit.acquired, arxiv.limit.urgent) == (3, 1)


def test_each_redirect_within_arxiv_counts_towards_the_limit(outside: Outside, arxiv: Arxiv):
    body = pdf_bytes()
    serve(outside, body)
    outside.world.faults.append(Fault("/pdf/2603.10002", 301, headers={"Location": PATH}))
    assert arxiv.client.fetch_pdf("2603.10002").content == body
    assert (arxiv.statuses(), arxiv.limit.acquired) == ([301, 200], 2)


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:1/pdf/x",
        "http://arxiv.org.example.com/x",
        "http://export.arxiv.org/pdf/x",
        "https://example.com\\@export.arxiv.org/x",
        "https://export.arxiv.org@example.com/x",
        "https://export.arxiv.org:8443/x",
        "file:///etc/hosts",
    ],
)
def test_a_redirect_to_another_host_is_not_followed(outside: Outside, arxiv: Arxiv, to: str):
    outside.world.faults.append(Fault(PATH, 302, headers={"Location": to}, times=9))
    with pytest.raises(ArxivError, match="is not arXiv's"):
        arxiv.client.fetch_pdf(ID)


def test_a_pdf_that_drips_ends_without_another_try():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n%PDF-1.7 "
    with speaking(lambda _: endless(head), pause_seconds=0.05) as speaker:
        slow = ArxivClient(speaker.url, session(retries=0, longest_exchange=0.5), Counting())
        with pytest.raises(ArxivError, match=r"no complete answer within 0\.5 s") as raised:
            slow.fetch_pdf(ID)
        assert (raised.value.reason, raised.value.retryable) == ("too_slow", True)
        assert speaker.count(PATH) == 1


def test_html_that_unpacks_to_gigabytes_is_refused():
    packed = gzip.compress(b"<p>" + bytes(200_000_000))
    with speaking(lambda _: gzipped(packed, "text/html")) as speaker:
        client = ArxivClient(speaker.url, session(retries=0), Counting())
        with pytest.raises(ArxivError, match="more than 30000000 bytes") as raised:
            client.fetch_html(ID)
    assert (raised.value.reason, raised.value.retryable) == ("too_large", False)


def test_a_pdf_that_unpacks_to_gigabytes_is_refused():
    packed = gzip.compress(b"%PDF-1.7" + bytes(200_000_000))
    with speaking(lambda _: gzipped(packed, "application/pdf")) as speaker:
        client = ArxivClient(speaker.url, session(retries=0), Counting())
        with pytest.raises(ArxivError, match="more than 100000000 bytes") as raised:
            client.fetch_pdf(ID)
    assert (raised.value.reason, raised.value.retryable) == ("too_large", False)


def test_a_redirect_loop_ends(outside: Outside, arxiv: Arxiv):
    outside.world.faults.append(Fault("/html/", 302, headers={"Location": f"/html/{ID}"}, times=99))
    with pytest.raises(ArxivError, match="redirects"):
        arxiv.client.fetch_html(ID)
    assert arxiv.limit.acquired == 6


@pytest.mark.parametrize(
    "arxiv_id", ["../../etc", "2603.1", f"{ID}\n", "２６０３.10001", f"{ID}?x=1", "", "cs/1"]
)
def test_an_invalid_id_is_never_requested(outside: Outside, arxiv: Arxiv, arxiv_id: str):
    for fetch in (
        lambda: arxiv.client.fetch_pdf(arxiv_id),
        lambda: arxiv.client.fetch_html(arxiv_id),
    ):
        with pytest.raises(ValueError, match="is not an arXiv id"):
            fetch()
    assert arxiv.limit.acquired == 0


def test_old_style_ids_and_versions_are_requested(outside: Outside, arxiv: Arxiv):
    body = pdf_bytes()
    serve(outside, body, "cs_0112017")
    assert arxiv.client.fetch_pdf("cs/0112017").content == body
    serve(outside, body)
    assert arxiv.client.fetch_pdf(f"{ID}v1").content == body
    assert arxiv.client.fetch_html("math.GT/0309136v1") is None


def test_a_session_with_retries_is_rejected(outside: Outside):
    with pytest.raises(ValueError, match="retries=0"):
        ArxivClient(outside.url, session(), Counting())


def test_html_comes_with_its_address(outside: Outside, arxiv: Arxiv):
    outside.world.faults += [
        Fault(f"/html/{ID}?", 301, headers={"Location": f"/html/{ID}v2"}),
        Fault(f"/html/{ID}v2", 200, "<p>ж</p>", HTML),
    ]
    assert arxiv.client.fetch_html(ID) == ("<p>ж</p>".encode(), f"{outside.url}/html/{ID}v2")


def test_missing_html_is_none_and_other_refusals_are_errors(outside: Outside, arxiv: Arxiv):
    assert arxiv.client.fetch_html(ID) is None
    outside.world.faults.append(Fault("/html/", 429, times=9))
    with pytest.raises(ArxivError) as raised:
        arxiv.client.fetch_html(ID)
    assert (raised.value.reason, raised.value.status) == ("throttled", 429)


def test_a_link_is_alive_dead_or_unknown(outside: Outside, arxiv: Arxiv):
    serve(outside, pdf_bytes())
    assert arxiv.client.alive(outside.url + PATH) is True
    assert arxiv.client.alive(f"{outside.url}/html/{ID}v1/x1.png") is False
    assert {answer.request.method for answer in arxiv.answers} == {"HEAD"}
    outside.world.faults.append(Fault(PATH, 503, times=9))
    assert arxiv.client.alive(outside.url + PATH) is None
    before = arxiv.limit.acquired
    assert arxiv.client.alive("https://example.com/x.png") is None
    assert arxiv.limit.acquired == before
