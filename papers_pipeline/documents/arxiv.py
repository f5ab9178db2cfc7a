"""PDFs and HTML of papers from arXiv: one polite client, whose limit holds for everything that it asks.

arXiv asks harvesters to use `export.arxiv.org`, "bursts at 4 requests per second with a 1 second sleep, per burst", and
takes requests that go on after a 403 for an attack (https://info.arxiv.org/help/bulk_data.html, robots.html). A limit
of 4 requests in 2 seconds keeps to that.
"""

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Literal, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

import pymupdf
import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from papers_pipeline.base.http import LONGEST_WAIT, cause

Reason = Literal[
    "not_found",
    "withdrawn",
    "not_a_pdf",
    "too_large",
    "throttled",
    "encrypted",
    "unreachable",
    "damaged",
]

ARXIV_ID = re.compile(r"(?:[0-9]{4}\.[0-9]{4,5}|[a-z-]+(?:\.[A-Z]{2})?/[0-9]{7})(?:v[0-9]+)?")
"""New and old style, with a version or without: https://info.arxiv.org/help/arxiv_identifier.html"""

SLOW_DOWN = (403, 406, 429, 503)
"""406 came to mean it in September 2026: https://github.com/blazickjp/arxiv-mcp-server/issues/277"""
TRIES = 4
MOST_REDIRECTS = 5
TIMEOUT_SECONDS = (10, 60)

MOST_PDF_BYTES = 100_000_000
MOST_HTML_BYTES = 30_000_000
CHUNK = 1 << 14
SIGNATURE, SIGNATURE_WITHIN, END = b"%PDF-", 1024, b"%%EOF"

# urllib sends no Accept and gets a 406.
PDF_HEADERS = {"Accept": "application/pdf, */*"}
HTML_HEADERS = {"Accept": "text/html, */*"}

NOTICES: tuple[tuple[str, Reason, bool], ...] = (
    (r"withdrawn|provided no source|source was not provided", "withdrawn", False),
    (
        r"(unable|failed) to produce PDF|does not build PDF|not publicly available",
        "not_found",
        False,
    ),
    (r"generat|try again|reload|refresh|in progress|processing", "not_a_pdf", True),
)
"""Words of arXiv's own pages, what they mean, and whether it passes: https://github.com/arXiv/arxiv-browse, below
`browse/templates/dissemination`. Its page for a withdrawn paper speaks of a source that was not provided."""

MUPDF = threading.Lock()
"""Held around every use of pymupdf in this process, which is not safe in threads:
https://pymupdf.readthedocs.io/en/latest/recipes-multiprocessing.html"""

Result = TypeVar("Result")


class Limit(Protocol):
    """Whatever says when the next request may be made, such as ``SharedLimit``."""

    def acquire(self) -> None: ...


class ArxivError(Exception):
    """A document that could not be had. ``retryable`` tells whether asking at another time may give it; ``status`` is
    that of the last answer, if there was one, and ``wait`` the seconds that the answer asked to wait."""

    def __init__(
        self,
        reason: Reason,
        retryable: bool,
        detail: str,
        *,
        status: int | None = None,
        wait: float | None = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.retryable = retryable
        self.detail = detail
        self.status = status
        self.wait = wait


@dataclass(frozen=True)
class DownloadedPdf:
    """A PDF that arrived complete and opens."""

    content: bytes
    sha256: str
    pages: int


class ArxivClient:
    """Asks one endpoint for documents; its threads slow down together. ``http`` is made with ``retries=0``: here every
    try waits for the limit, and a session that repeats by itself would go past it."""

    def __init__(
        self, endpoint: str, http: requests.Session, limit: Limit, *, backoff_seconds: float = 1.0
    ) -> None:
        if any(
            getattr(adapter, "max_retries", Retry(0)).total for adapter in http.adapters.values()
        ):
            raise ValueError(
                "the session of an ArxivClient repeats requests by itself: make it with retries=0"
            )
        self._endpoint = endpoint.rstrip("/")
        self._http = http
        self._limit = limit
        self._backoff_seconds = backoff_seconds
        self._resume_at = 0.0

    def fetch_pdf(self, arxiv_id: str, most_bytes: int = MOST_PDF_BYTES) -> DownloadedPdf:
        """The PDF of a paper. Raises ArxivError.

        A damaged file is downloaded once more. The error is final if the same bytes come again.
        """
        url = f"{self._endpoint}/pdf/{_checked(arxiv_id)}"
        first_sha256 = None
        while True:
            content = self._persist(partial(self._download_pdf, url, most_bytes))
            sha256 = hashlib.sha256(content).hexdigest()
            try:
                return DownloadedPdf(content, sha256, _page_count(content, url))
            except ArxivError as error:
                if error.reason != "damaged":
                    raise
                if first_sha256 is not None:
                    changed = sha256 != first_sha256
                    raise ArxivError("damaged", changed, error.detail) from None
                first_sha256 = sha256

    def fetch_html(self, arxiv_id: str) -> tuple[bytes, str] | None:
        """The HTML of a paper and the address that it came from after all redirects; None when arXiv has none (a 404,
        which may end: HTML comes days late). Raises ArxivError."""
        return self._persist(
            partial(self._download_html, f"{self._endpoint}/html/{_checked(arxiv_id)}")
        )

    def alive(self, url: str) -> bool | None:
        """Whether an address of arXiv's gives something; None when that cannot be known."""
        if not self._is_ours(url):
            return None
        try:
            with self._persist(partial(self._send, "HEAD", url, HTML_HEADERS)) as answer:
                status = answer.status_code
        except ArxivError:
            return None
        return True if status == 200 else False if status in (404, 410) else None

    def _persist(self, work: Callable[[], Result]) -> Result:
        """What the work returns, tried again while arXiv asks to slow down or cannot be reached."""
        for attempt in range(1, TRIES):
            try:
                return work()
            except ArxivError as error:
                if not _may_pass(error):
                    raise
                wait = (
                    self._backoff_seconds * 2 ** (attempt - 1) if error.wait is None else error.wait
                )
                if error.reason == "throttled":  # it is meant for every thread of this client
                    self._resume_at = max(self._resume_at, time.monotonic() + wait)
                else:
                    time.sleep(wait)
        return work()

    def _send(self, method: str, url: str, headers: dict[str, str]) -> requests.Response:
        """The answer after all redirects, its body not yet read, with a status that is left to the caller. Raises
        ArxivError for one that means to slow down, for a server's error and for an answer that did not come."""
        for _ in range(MOST_REDIRECTS + 1):
            time.sleep(max(0.0, self._resume_at - time.monotonic()))
            self._limit.acquire()
            try:
                answer = self._http.request(
                    method,
                    url,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                    timeout=TIMEOUT_SECONDS,
                )
            except requests.RequestException as error:
                raise ArxivError("unreachable", True, f"{url}: {cause(error)}") from None
            if not answer.is_redirect:
                return _answered(answer)
            answer.close()
            here, url = url, urljoin(url, answer.headers["Location"])
            if not self._is_ours(url):
                raise ArxivError(
                    "unreachable",
                    True,
                    f"{here} leads to {url}: not arXiv's",
                    status=answer.status_code,
                )
        detail = f"{url}: more than {MOST_REDIRECTS} redirects"
        raise ArxivError("unreachable", True, detail, status=answer.status_code)

    def _is_ours(self, url: str) -> bool:
        own, asked = urlsplit(self._endpoint), urlsplit(url)
        if (asked.scheme, asked.netloc) == (own.scheme, own.netloc):
            return True
        return asked.scheme == "https" and bool(re.fullmatch(r"(.+\.)?arxiv\.org", asked.netloc))

    def _download_pdf(self, url: str, most_bytes: int) -> bytes:
        with self._send("GET", url, PDF_HEADERS) as answer:
            if answer.status_code != 200:
                raise _refusal(answer, url)
            chunks = _chunks(answer, url)
            head = b""
            for chunk in chunks:
                head += chunk
                if len(head) >= SIGNATURE_WITHIN:
                    break
            if SIGNATURE not in head[:SIGNATURE_WITHIN]:
                raise _not_a_pdf(head, answer, url)
            announced_bytes = int(answer.headers.get("Content-Length", 0))
            if announced_bytes > most_bytes:
                raise _too_large(url, most_bytes)
            return _body(chain([head], chunks), url, most_bytes)

    def _download_html(self, url: str) -> tuple[bytes, str] | None:
        with self._send("GET", url, HTML_HEADERS) as answer:
            if answer.status_code == 404:
                return None
            if answer.status_code != 200:
                raise _refusal(answer, url)
            return _body(_chunks(answer, url), url, MOST_HTML_BYTES), answer.url


def _checked(arxiv_id: str) -> str:
    if not ARXIV_ID.fullmatch(arxiv_id):
        raise ValueError(f"{arxiv_id!r} is no arXiv id")
    return arxiv_id


def _may_pass(error: ArxivError) -> bool:
    """Whether seconds may change it: not so another refusal, or a redirect to elsewhere."""
    if error.reason == "unreachable":
        return error.status is None or error.status >= 500
    return error.reason == "throttled"


def _answered(answer: requests.Response) -> requests.Response:
    status = answer.status_code
    if status not in SLOW_DOWN and status < 500:
        return answer
    with answer:
        detail = f"{answer.url} answered {status}"
        # arXiv answers 403 for a paper whose author keeps the source private, and 500 for one without a PDF.
        if (notice := _notice(_beginning(answer))) and not notice[1]:
            raise ArxivError(notice[0], False, detail, status=status)
        if status in SLOW_DOWN:
            raise ArxivError("throttled", True, detail, status=status, wait=_retry_after(answer))
        raise ArxivError("unreachable", True, detail, status=status)


def _retry_after(answer: requests.Response) -> float | None:
    """The seconds that the answer asks to wait, at most ``LONGEST_WAIT``; None when it does not say."""
    asked = answer.headers.get("Retry-After")
    try:
        return min(Retry().parse_retry_after(asked), float(LONGEST_WAIT)) if asked else None
    except InvalidHeader:
        return None


def _refusal(answer: requests.Response, url: str) -> ArxivError:
    """What an answer without a document means."""
    status = answer.status_code
    if status in (404, 410):
        reason, _ = _notice(_beginning(answer)) or ("not_found", False)
        reason = reason if reason == "withdrawn" else "not_found"
        return ArxivError(reason, False, f"{url} answered {status}", status=status)
    return ArxivError("unreachable", True, f"{url} answered {status}", status=status)


def _beginning(answer: requests.Response) -> str:
    try:
        return b"".join(islice(answer.iter_content(CHUNK), 16)).decode("utf-8", "replace")
    except requests.RequestException:
        return ""


def _notice(page: str) -> tuple[Reason, bool] | None:
    return next(
        (
            (reason, passes)
            for words, reason, passes in NOTICES
            if re.search(words, page, re.IGNORECASE)
        ),
        None,
    )


def _chunks(answer: requests.Response, url: str) -> Iterator[bytes]:
    """The body in pieces. Raises ArxivError when the connection breaks off."""
    received_bytes = 0
    try:
        for chunk in answer.iter_content(CHUNK):
            received_bytes += len(chunk)
            yield chunk
    except requests.RequestException as error:
        detail = f"{url}: broke off at {received_bytes} bytes: {cause(error)}"
        raise ArxivError("unreachable", True, detail) from None


def _body(chunks: Iterable[bytes], url: str, most_bytes: int) -> bytes:
    """The chunks as one. Raises ArxivError as soon as they exceed ``most_bytes``."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > most_bytes:
            raise _too_large(url, most_bytes)
    return bytes(body)


def _too_large(url: str, most_bytes: int) -> ArxivError:
    return ArxivError("too_large", False, f"{url}: more than {most_bytes} bytes", status=200)


def _not_a_pdf(head: bytes, answer: requests.Response, url: str) -> ArxivError:
    """The error for a body that does not begin as a PDF: arXiv sends notices with status 200
    (https://github.com/lukasschwab/arxiv.py/issues/87)."""
    page = head.decode("utf-8", "replace")
    if not re.match(r"\s*<(!doctype|html|head|\?xml|!--)", page, re.IGNORECASE):
        return ArxivError("not_a_pdf", False, f"{url} is {head[:16]!r}", status=answer.status_code)
    page += _beginning(answer)
    # A page that nobody foresaw is a proxy's or a maintenance page more often than arXiv's last word.
    reason, passes = _notice(page) or ("not_a_pdf", True)
    words = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    return ArxivError(reason, passes, f"{url} is a page: {words[:80]!r}", status=answer.status_code)


def _page_count(content: bytes, url: str) -> int:
    with MUPDF:
        pymupdf.TOOLS.mupdf_display_errors(False)
        try:
            with pymupdf.open(stream=content, filetype="pdf") as document:
                if document.needs_pass:
                    raise ArxivError("encrypted", False, f"{url} needs a password")
                pages, repaired = int(document.page_count), bool(document.is_repaired)
        except RuntimeError as error:
            raise ArxivError("damaged", True, f"{url} cannot be opened: {error}") from None
    # MuPDF opens the first half of a file as well, with the pages that it finds.
    has_end = END in content[-2 * SIGNATURE_WITHIN :]
    if not pages or (repaired and not has_end):
        raise ArxivError("damaged", True, f"{url} has no end")
    return pages
