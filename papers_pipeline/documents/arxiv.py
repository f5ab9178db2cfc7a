"""Downloads PDFs and HTML of papers from arXiv, politely.

arXiv asks harvesters to use `export.arxiv.org` with "bursts at 4 requests per second with a 1
second sleep, per burst". It takes requests that continue after a 403 for an attack
(https://info.arxiv.org/help/bulk_data.html, robots.html). A limit of 4 requests in 2 seconds
complies.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Literal, Protocol, TypeVar
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from papers_pipeline.base import http as web
from papers_pipeline.base.notes import NOTED_SECONDS, Note, unheard

Reason = Literal[
    "not_found",
    "withdrawn",
    "not_a_pdf",
    "too_large",
    "throttled",
    "unreachable",
    "too_slow",
]

ARXIV_ID = re.compile(r"(?:[0-9]{4}\.[0-9]{4,5}|[a-z-]+(?:\.[A-Z]{2})?/[0-9]{7})(?:v[0-9]+)?")
"""New and old style, with or without a version: https://info.arxiv.org/help/arxiv_identifier.html"""

ARXIV_HOST = re.compile(r"([a-z0-9-]+\.)*arxiv\.org", re.IGNORECASE)

SLOW_DOWN = (403, 406, 429, 503)
"""406 was added in September 2026: https://github.com/blazickjp/arxiv-mcp-server/issues/277"""
TRIES = 4
MOST_REDIRECTS = 5
TIMEOUT_SECONDS = (10, 60)

MOST_PDF_BYTES = 100_000_000
MOST_HTML_BYTES = 30_000_000
SIGNATURE, SIGNATURE_WITHIN = b"%PDF-", 1024

# A request without Accept gets a 406.
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
"""Patterns in arXiv's own pages, with the error's reason and whether a retry may succeed.

From https://github.com/arXiv/arxiv-browse, `browse/templates/dissemination`. The page of a
withdrawn paper says that no source was provided.
"""


Result = TypeVar("Result")


class Limit(Protocol):
    """A rate limit. `acquire` waits until a request is allowed, and tells `note` what for. Urgent
    requests go first. `pause` lets no request go for so many seconds, in all processes that share
    the limit."""

    def acquire(self, note: Note, *, is_urgent: bool) -> None: ...

    def pause(self, seconds: float) -> None: ...


class ArxivError(Exception):
    """A document is unavailable.

    - `reason`: a code that pages and checks know.
    - `retryable`: whether a later attempt may succeed.
    - `detail`: the address and what happened, for the operator.
    - `status`: the last answer's status, if there was an answer.
    - `wait`: the seconds that the answer asked to wait, if it did.
    """

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
    """A file that begins like a PDF. Nobody has opened it."""

    content: bytes
    sha256: str


class ArxivClient:
    """Downloads documents from one endpoint. Its threads slow down together.

    PDFs go before HTML when both wait for the limit: a PDF is still parsed and asked about.

    `http` must be a session with `retries=0`. The client retries by itself, because each
    attempt has to wait for `limit`. The `note` of a call is told what a long wait of it is for.
    """

    def __init__(
        self, endpoint: str, http: requests.Session, limit: Limit, *, backoff_seconds: float = 1.0
    ) -> None:
        for adapter in http.adapters.values():
            if getattr(adapter, "max_retries", Retry(0)).total:
                raise ValueError("ArxivClient needs a session without retries: pass retries=0")
        self._endpoint = endpoint.rstrip("/")
        self._http = http
        self._limit = limit
        self._backoff_seconds = backoff_seconds
        self._resume_at = 0.0
        self._paused_by = ""

    def fetch_pdf(
        self, arxiv_id: str, note: Note = unheard, most_bytes: int = MOST_PDF_BYTES
    ) -> DownloadedPdf:
        """The PDF of a paper. Raises ArxivError."""
        url = f"{self._endpoint}/pdf/{_checked(arxiv_id)}"
        content = self._with_retries(partial(self._download_pdf, url, most_bytes, note), note)
        return DownloadedPdf(content, hashlib.sha256(content).hexdigest())

    def fetch_html(self, arxiv_id: str, note: Note = unheard) -> tuple[bytes, str] | None:
        """The HTML of a paper and its address after redirects, or None if arXiv has none (yet).

        Raises ArxivError.
        """
        url = f"{self._endpoint}/html/{_checked(arxiv_id)}"
        return self._with_retries(partial(self._download_html, url, note), note)

    def alive(self, url: str, note: Note = unheard) -> bool | None:
        """Whether an arXiv address works. None if that is unknown, or the address not arXiv's."""
        if not self._is_arxiv(url):
            return None
        try:
            asked = partial(self._send, "HEAD", url, HTML_HEADERS, note)
            with self._with_retries(asked, note) as answer:
                status = answer.status_code
        except ArxivError:
            return None
        if status == 200:
            return True
        return False if status in (404, 410) else None

    def _with_retries(self, work: Callable[[], Result], note: Note) -> Result:
        """The result of `work`, retried while arXiv throttles or cannot be reached."""
        for attempt in range(1, TRIES):
            try:
                return work()
            except ArxivError as error:
                if not _is_worth_waiting(error):
                    raise
                wait = error.wait
                if wait is None:
                    wait = self._backoff_seconds * 2 ** (attempt - 1)
                if error.reason == "throttled":  # meant for everyone who asks arXiv
                    self._resume_at = max(self._resume_at, time.monotonic() + wait)
                    self._paused_by = error.detail
                    self._limit.pause(wait)
                else:
                    _wait(wait, error.detail, note)
        return work()

    def _send(
        self, method: str, url: str, headers: dict[str, str], note: Note
    ) -> requests.Response:
        """The answer after redirects, its body unread. The caller checks the status.

        Raises ArxivError if there is no answer, if arXiv throttles and for a server error.
        """
        for _ in range(MOST_REDIRECTS + 1):
            _wait(self._resume_at - time.monotonic(), self._paused_by, note)
            self._limit.acquire(note, is_urgent=headers is PDF_HEADERS)
            try:
                answer = self._http.request(
                    method,
                    url,
                    headers=headers,
                    stream=True,
                    timeout=TIMEOUT_SECONDS,
                )
                target = web.redirect_target(answer)
            except requests.RequestException as error:
                raise _broken(error, url) from None
            if target is None:
                return _checked_status(answer)
            answer.close()
            if not self._is_arxiv(target):
                detail = f"{url} redirects to {target}, which is not arXiv's"
                raise ArxivError("unreachable", True, detail, status=answer.status_code)
            url = target
        detail = f"{url}: more than {MOST_REDIRECTS} redirects"
        raise ArxivError("unreachable", True, detail, status=answer.status_code)

    def _is_arxiv(self, url: str) -> bool:
        """Whether an address is the endpoint's, or https on a host of arxiv.org."""
        if web.same_site(url, self._endpoint):
            return True
        asked = urlsplit(url)
        return asked.scheme == "https" and bool(ARXIV_HOST.fullmatch(asked.netloc))

    def _download_pdf(self, url: str, most_bytes: int, note: Note) -> bytes:
        with self._send("GET", url, PDF_HEADERS, note) as answer:
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
            announced = answer.headers.get("Content-Length", "")
            if announced.isdecimal() and int(announced) > most_bytes:
                raise _too_large(url, most_bytes)
            return _body(chain([head], chunks), url, most_bytes)

    def _download_html(self, url: str, note: Note) -> tuple[bytes, str] | None:
        with self._send("GET", url, HTML_HEADERS, note) as answer:
            if answer.status_code == 404:
                return None
            if answer.status_code != 200:
                raise _refusal(answer, url)
            return _body(_chunks(answer, url), url, MOST_HTML_BYTES), answer.url


def _checked(arxiv_id: str) -> str:
    if not ARXIV_ID.fullmatch(arxiv_id):
        raise ValueError(f"{arxiv_id!r} is not an arXiv id")
    return arxiv_id


def _wait(seconds: float, reason: str, note: Note) -> None:
    """Wait, and tell `note` why if it takes long."""
    if round(seconds) >= NOTED_SECONDS:
        note(f"waiting for arXiv: {reason} ({seconds:.0f} s)")
    time.sleep(max(0.0, seconds))


def _is_worth_waiting(error: ArxivError) -> bool:
    """Whether an attempt some seconds later may succeed."""
    if error.reason == "unreachable":
        return error.status is None or error.status >= 500
    return error.reason == "throttled"


def _checked_status(answer: requests.Response) -> requests.Response:
    """The answer. Raises ArxivError if arXiv throttles and for a server error."""
    status = answer.status_code
    if status not in SLOW_DOWN and status < 500:
        return answer
    with answer:
        detail = f"{answer.url} answered {status}"
        # arXiv answers 403 if the author keeps the source private, and 500 if there is no PDF.
        notice = _notice(_beginning(answer))
        if notice is not None:
            reason, retryable = notice
            if not retryable:
                raise ArxivError(reason, False, detail, status=status)
        if status in SLOW_DOWN:
            raise ArxivError("throttled", True, detail, status=status, wait=_retry_after(answer))
        raise ArxivError("unreachable", True, detail, status=status)


def _retry_after(answer: requests.Response) -> float | None:
    """The seconds that the answer asks to wait, at most `LONGEST_WAIT`, or None."""
    value = answer.headers.get("Retry-After")
    if not value:
        return None
    try:
        return min(Retry().parse_retry_after(value), float(web.LONGEST_WAIT))
    except InvalidHeader:
        return None


def _refusal(answer: requests.Response, url: str) -> ArxivError:
    """The error for an answer without a document."""
    status = answer.status_code
    detail = f"{url} answered {status}"
    if status not in (404, 410):
        return ArxivError("unreachable", True, detail, status=status)
    notice = _notice(_beginning(answer))
    is_withdrawn = notice is not None and notice[0] == "withdrawn"
    return ArxivError("withdrawn" if is_withdrawn else "not_found", False, detail, status=status)


def _beginning(answer: requests.Response) -> str:
    """The first 256 kB of a page, or '' if it cannot be read."""
    try:
        return b"".join(islice(web.chunks(answer), 16)).decode("utf-8", "replace")
    except requests.RequestException:
        return ""


def _notice(page: str) -> tuple[Reason, bool] | None:
    """The reason that a page of arXiv gives, and whether a retry may succeed."""
    for pattern, reason, retryable in NOTICES:
        if re.search(pattern, page, re.IGNORECASE):
            return reason, retryable
    return None


def _chunks(answer: requests.Response, url: str) -> Iterator[bytes]:
    """The chunks of the body. Raises ArxivError if the connection breaks off, or is too slow."""
    received_bytes = 0
    try:
        for chunk in web.chunks(answer):
            received_bytes += len(chunk)
            yield chunk
    except requests.RequestException as error:
        raise _broken(error, f"{url}: broke off at {received_bytes} bytes") from None


def _broken(error: requests.RequestException, place: str) -> ArxivError:
    """The error for an exchange that did not come to its end."""
    reason: Reason = "too_slow" if web.is_too_slow(error) else "unreachable"
    return ArxivError(reason, True, f"{place}: {web.cause(error)}")


def _body(chunks: Iterable[bytes], url: str, most_bytes: int) -> bytes:
    """The whole body. Raises ArxivError as soon as it exceeds `most_bytes`."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > most_bytes:
            raise _too_large(url, most_bytes)
    return bytes(body)


def _too_large(url: str, most_bytes: int) -> ArxivError:
    return ArxivError("too_large", False, f"{url}: more than {most_bytes} bytes", status=200)


def _not_a_pdf(head: bytes, answer: requests.Response, url: str) -> ArxivError:
    """The error for a body that does not start like a PDF.

    arXiv sends notices with status 200 (https://github.com/lukasschwab/arxiv.py/issues/87).
    """
    status = answer.status_code
    page = head.decode("utf-8", "replace")
    if not re.match(r"\s*<(!doctype|html|head|\?xml|!--)", page, re.IGNORECASE):
        return ArxivError("not_a_pdf", False, f"{url} is {head[:16]!r}", status=status)
    page += _beginning(answer)
    # An unknown page is more often a proxy's or a maintenance page than arXiv's last word.
    reason, retryable = _notice(page) or ("not_a_pdf", True)
    words = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    return ArxivError(reason, retryable, f"{url} is a page: {words[:80]!r}", status=status)
