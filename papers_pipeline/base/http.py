"""`requests` sessions that retry with back-off, honour Retry-After, name a contact, and never wait
or read without end.

A timeout of `requests` counts from the last byte, so that a byte a minute can hold a request for
ever. Each exchange has a deadline instead: from the request to the last byte of the answer.
"""

import logging
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import InvalidHeader, ProtocolError
from urllib3.poolmanager import PoolManager
from urllib3.response import BaseHTTPResponse, HTTPResponse
from urllib3.util.retry import Retry

from papers_pipeline import __version__
from papers_pipeline.base.deadline import shut_down, started
from papers_pipeline.base.notes import NOTED_SECONDS

RETRIED = (429, 500, 502, 503, 504)
LONGEST_WAIT = 300
"""Seconds. A longer Retry-After is cut to this, and the next response decides."""
LONGEST_EXCHANGE = 300.0
"""Seconds from a request to the last byte of its answer. At 400 kB/s, the largest PDF arrives."""
CHUNK = 1 << 14

logger = logging.getLogger(__name__)


class TooSlow(requests.Timeout):
    """An answer was not complete at the deadline of its exchange."""


class TooLarge(requests.RequestException):
    """A body is larger than the reader accepts."""


def session(
    contact: str | None = None,
    *,
    backoff_seconds: float = 1.0,
    retries: int = 4,
    longest_exchange: float = LONGEST_EXCHANGE,
) -> requests.Session:
    """A session that repeats GET requests after a broken connection or a status in `RETRIED`.

    It waits 1, 2, 4, 8 times `backoff_seconds`, or as long as Retry-After says. After the last
    retry it returns the response, whatever its status. Each exchange, also that of a retry, ends
    after `longest_exchange` seconds.

    It follows no redirect: see `redirect_target`. Callers pass `stream=True` and read the answer
    with `chunks` or `body`, as `requests` itself would read any amount.
    """
    policy = _Retry(
        total=retries,
        backoff_factor=backoff_seconds,
        status_forcelist=RETRIED,
        allowed_methods={"GET"},
        raise_on_status=False,
        respect_retry_after_header=True,
        retry_after_max=LONGEST_WAIT,
    )
    made = _Session()
    # Proxies from the environment apply. A netrc password must not go to hosts that never asked.
    made.auth = _no_auth
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter(policy, longest_exchange))
    user_agent = f"papers_pipeline/{__version__}"
    made.headers["User-Agent"] = f"{user_agent} ({contact})" if contact else user_agent
    return made


class _Session(requests.Session):
    """A session that leaves redirects to its caller, who knows which hosts are allowed."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # Otherwise `requests` reads the body of a redirect to its end, even if it does not follow.
        return None


class _Retry(Retry):
    """Says in the log what a long wait before a retry is for, and waits as usual if an answer does
    not say how long."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        try:
            return super().get_retry_after(response)
        except InvalidHeader:
            return None

    def sleep_for_retry(self, response: BaseHTTPResponse) -> bool:
        seconds = self.get_retry_after(response) or 0
        if seconds >= NOTED_SECONDS:
            logger.warning("waiting %.0f s: the answer %s asks for it", seconds, response.status)
        return super().sleep_for_retry(response)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def chunks(answer: requests.Response) -> Iterator[bytes]:
    """The body of an answer, decompressed, in pieces of at most `CHUNK` bytes.

    Raises TooSlow at the deadline of the exchange, and RequestException if the connection breaks.
    """
    deadline: _Deadline | None = getattr(answer.raw, "deadline", None)
    try:
        yield from answer.iter_content(CHUNK)
    except requests.RequestException:
        if deadline is None or not deadline.is_over:
            raise
    if deadline is None:
        return
    deadline.cancel()
    # A body without a known length seems complete when its connection is closed.
    if deadline.is_over:
        raise TooSlow(deadline.message)


def body(answer: requests.Response, most_bytes: int) -> bytes:
    """The whole body, decompressed. Raises TooLarge as soon as it has more than `most_bytes`.

    Raises RequestException as `chunks` does.
    """
    read = bytearray()
    for chunk in chunks(answer):
        read += chunk
        if len(read) > most_bytes:
            raise TooLarge(f"more than {most_bytes} bytes")
    return bytes(read)


def redirect_target(answer: requests.Response) -> str | None:
    """The address that an answer redirects to, or None. Raises RequestException if it is none."""
    if not answer.is_redirect:
        return None
    location = answer.headers["Location"]
    try:
        return urljoin(answer.url, location)
    except ValueError as error:
        raise requests.exceptions.InvalidURL(f"redirects to {location!r}: {error}") from None


def same_site(url: str, endpoint: str) -> bool:
    """Whether an address has the scheme, host and port of an endpoint, or its host with https."""
    asked, own = urlsplit(url), urlsplit(endpoint)
    if asked.netloc != own.netloc:
        return False
    return asked.scheme in (own.scheme, "https")


def cause(error: requests.RequestException) -> str:
    """Why a request failed: the innermost reason that urllib3 gives, without its wrappers."""
    reason = error.args[0] if error.args else error
    return str(getattr(reason, "reason", reason))


def is_too_slow(error: requests.RequestException) -> bool:
    """Whether an exchange ended at its deadline."""
    reason = error.args[0] if error.args else error
    return isinstance(error, TooSlow) or isinstance(getattr(reason, "reason", reason), _Late)


class _Late(ProtocolError):
    """The head of an answer was not complete at the deadline. urllib3 may repeat the request."""


class _Deadline:
    """Shuts a connection down when its time is over. Whoever waits for its bytes wakes up."""

    def __init__(self, connection: HTTPConnection, seconds: float) -> None:
        self.is_over = False
        self.message = f"no complete answer within {seconds:g} s"
        self._connection = connection
        self._socket: socket.socket | None = None
        self._timer = started(seconds, self._end)

    def watch(self, used: socket.socket | None) -> None:
        """Remember a socket that the connection does not know, or forget it."""
        self._socket = used

    def cancel(self) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        used = self._socket or self._connection.sock
        if isinstance(used, socket.socket):
            shut_down(used)


class _WithDeadline(HTTPConnection):
    """A connection whose exchanges have a deadline, as has its making.

    If an answer is not read to its end, its deadline stays until the next exchange begins. If it
    passes, the idle connection is closed, and urllib3 makes a new one.
    """

    longest_exchange: float
    _deadline: _Deadline | None = None
    _twin: socket.socket | None = None

    def connect(self) -> None:
        deadline = self._begin()
        try:
            super().connect()
        except Exception as error:
            if deadline.is_over:
                raise _Late(deadline.message) from error
            raise
        finally:
            deadline.watch(None)
            if self._twin:
                self._twin.close()

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        if self._deadline:
            # While TLS is agreed on, the connection has no socket that could be shut down.
            self._twin = made.dup()
            self._deadline.watch(self._twin)
        return made

    def request(self, *arguments: Any, **options: Any) -> None:
        self._begin()
        super().request(*arguments, **options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        deadline = self._deadline
        if deadline is None:  # nothing was requested
            return super().getresponse()
        # A connection forgets its socket when the answer is its last one.
        deadline.watch(self.sock)
        try:
            answer = super().getresponse()
        except Exception as error:
            if deadline.is_over:
                raise _Late(deadline.message) from error
            raise
        answer.deadline = deadline  # type: ignore[attr-defined]
        # Before a retry, urllib3 would read the body to its end, however far that is.
        answer.drain_conn = answer.close  # type: ignore[method-assign]
        return answer

    def _begin(self) -> _Deadline:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = _Deadline(self, self.longest_exchange)
        return self._deadline


class _Adapter(HTTPAdapter):
    """Sends requests over connections with deadlines."""

    def __init__(self, policy: Retry, longest_exchange: float) -> None:
        self._pools = _pools(longest_exchange)
        super().__init__(max_retries=policy)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):  # which has connections of its own
            manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(seconds: float) -> dict[str, type[HTTPConnectionPool]]:
    """Pools of connections whose exchanges take at most so many seconds, by scheme."""

    class Plain(_WithDeadline):
        longest_exchange = seconds

    class Encrypted(_WithDeadline, HTTPSConnection):
        longest_exchange = seconds

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}
