"""Telegram: a post a day and language, edited in place while the day grows.

https://core.telegram.org/bots/api. A day that is too long for one message is several posts.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Any, ClassVar

import requests
from pydantic import BaseModel, ValidationError
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from papers_pipeline.base.characters import excerpt
from papers_pipeline.base.http import body, session
from papers_pipeline.delivery.channel import (
    Channel,
    Closed,
    Connection,
    EditingConnection,
    InDoubt,
    Message,
    NotSent,
)
from papers_pipeline.delivery.digest import Digest, DigestPaper

LONGEST_POST = 4096
"""UTF-16 units of a message, without its markup."""
MOST_ENTITIES = 100
"""Links and emphases of a message. Telegram drops those after them."""
TIMEOUT_SECONDS = 20
LONGEST_WAITS_SECONDS = 90
"""For all that Telegram asks a connection to wait. What is left goes out with the next build."""
MOST_BYTES = 1 << 20
NOT_MODIFIED = "message is not modified"
GONE = ("message to edit not found", "message to delete not found", "message can't be")
"""What Telegram says of a post that was deleted by hand, or is too old: it stays as it is."""
_TAG = re.compile(r"<[^>]*>")
_ENTITY = re.compile(r"<[a-z]")


@dataclass(frozen=True)
class Telegram(Channel):
    """The posts of a bot, in one chat per language. The token stays out of every message."""

    name: ClassVar[str] = "telegram"
    kind: ClassVar[str] = "telegram"
    edits: ClassVar[bool] = True

    endpoint: str
    token: str = field(repr=False)
    chats: Mapping[str, str]
    contact: str | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.chats)

    def compose(self, digest: Digest) -> list[Message]:
        """The posts of a day, each within Telegram's limit; a paper is never divided."""
        posts = []
        for part, post in enumerate(_posts(digest), 1):
            posts.append(Message(digest.language, self.chats[digest.language], post, part))
        return posts

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        with session(self.contact, retries=0, longest_exchange=TIMEOUT_SECONDS) as http:
            yield _Bot(f"{self.endpoint}/bot{self.token}", http)


def _posts(digest: Digest) -> list[str]:
    heading = _heading(digest)
    end = ""
    if digest.state == "open":
        end = f"<i>{escape(digest.locale.set(digest.locale.text('state.open')))}</i>"
    posts: list[list[str]] = [[heading]]
    for paper in digest.papers:
        block = _block(digest, paper)
        if not _fits([*posts[-1], block, end]):
            posts.append([_continued(digest, len(posts) + 1)])
        posts[-1].append(block)
    if end:
        posts[-1].append(end)
    return ["\n\n".join(blocks) for blocks in posts]


def _fits(blocks: Sequence[str]) -> bool:
    """Whether the blocks are not too much for one message."""
    html = "\n\n".join(blocks)
    return _length(html) <= LONGEST_POST and len(_ENTITY.findall(html)) <= MOST_ENTITIES


def _heading(digest: Digest) -> str:
    name = f"<b>{escape(digest.name)}</b>"
    if digest.url:
        name = f'<a href="{escape(digest.url)}">{name}</a>'
    return f"{name}\n{escape(digest.date)} · {escape(digest.count)}"


def _continued(digest: Digest, number: int) -> str:
    """The heading of a further post."""
    return f"<i>{escape(digest.name)} · {number}</i>"


def _block(digest: Digest, paper: DigestPaper) -> str:
    title = f'<b><a href="{escape(paper.url)}">{escape(paper.title)}</a></b>'
    lead = f"{escape(paper.emoji)} " if paper.emoji else ""
    votes = f"<i>{escape(digest.votes(paper))}</i>"
    return f"{lead}{title}\n{escape(paper.sentence)}\n{votes}"


def _length(html: str) -> int:
    return len(unescape(_TAG.sub("", html)).encode("utf-16-le")) // 2


class _Parameters(BaseModel):
    retry_after: int = 0


class _Result(BaseModel):
    message_id: int


class _Answer(BaseModel):
    """An answer of Telegram. `result` is a message, or true after a deletion."""

    ok: bool
    result: _Result | bool | None = None
    description: str = ""
    parameters: _Parameters = _Parameters()


class _Bot(EditingConnection):
    """The methods of a bot. After an exchange in doubt it sends no more."""

    def __init__(self, url: str, http: requests.Session) -> None:
        self._url = url
        self._http = http
        self._wait_left = float(LONGEST_WAITS_SECONDS)
        self._is_closed = False

    def send(self, message: Message) -> str | None:
        if self._is_closed:
            raise Closed("an earlier post is in doubt")
        try:
            answer = self._call("sendMessage", _post(message) | {"chat_id": message.recipient})
        except InDoubt:
            self._is_closed = True
            raise
        if isinstance(answer.result, _Result):
            return str(answer.result.message_id)
        raise InDoubt("Telegram accepted it without an id")

    def edit(self, message: Message, message_id: str) -> None:
        self._change("editMessageText", message, message_id, _post(message))

    def delete(self, message: Message, message_id: str) -> None:
        self._change("deleteMessage", message, message_id, {})

    def _change(
        self, method: str, message: Message, message_id: str, values: dict[str, Any]
    ) -> None:
        place = {"chat_id": message.recipient, "message_id": int(message_id)}
        try:
            self._call(method, values | place)
        except InDoubt as error:
            raise NotSent(f"the post could not be changed: {error}") from None
        except NotSent as error:
            if NOT_MODIFIED not in str(error) and not any(words in str(error) for words in GONE):
                raise

    def _call(self, method: str, values: dict[str, Any]) -> _Answer:
        """The answer of a method that succeeded. Waits as long as Telegram asks, within limits."""
        while True:
            status, answer = self._exchange(method, values)
            if answer.ok:
                return answer
            wait = answer.parameters.retry_after
            if status != 429:
                raise NotSent(f"Telegram answered {status}: {excerpt(answer.description, 200)}")
            if wait > self._wait_left:
                raise Closed(f"Telegram asks to wait {wait} s")
            wait = max(wait, 1)
            self._wait_left -= wait
            time.sleep(wait)

    def _exchange(self, method: str, values: dict[str, Any]) -> tuple[int, _Answer]:
        """The status and the answer. Raises InDoubt if the request may have been carried out.

        Errors of `requests` quote the address, and with it the token: only their kind is told.
        """
        try:
            with self._http.post(
                f"{self._url}/{method}", json=values, timeout=TIMEOUT_SECONDS, stream=True
            ) as response:
                status, content = response.status_code, body(response, MOST_BYTES)
        except requests.RequestException as error:
            kind = type(error).__name__
            if _is_before_request(error):
                raise Closed(f"Telegram cannot be reached: {kind}") from None
            raise InDoubt(f"Telegram did not answer: {kind}") from None
        if status >= 500:
            raise InDoubt(f"Telegram answered {status}")
        try:
            return status, _Answer.model_validate_json(content)
        except ValidationError:
            pass
        if 400 <= status < 500:
            raise NotSent(f"Telegram answered {status}")
        raise InDoubt(f"Telegram answered {status} and no JSON of its own")


def _post(message: Message) -> dict[str, Any]:
    return {
        "text": message.content,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def _is_before_request(error: requests.RequestException) -> bool:
    """Whether there was no connection yet over which the request could have gone out."""
    if isinstance(error, (requests.exceptions.SSLError, requests.exceptions.ProxyError)):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))
