"""Any chat that apprise knows: a short post with the day's first papers.

https://github.com/caronc/apprise/wiki. apprise says only whether a service accepted a post. If it
did not, the post may still have gone out, so it is in doubt.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from papers_pipeline.base.notify import notify
from papers_pipeline.delivery.channel import Channel, Connection, InDoubt, Message, NotSent
from papers_pipeline.delivery.digest import Digest

MOST_PAPERS = 5
LONGEST_SECONDS = 60.0


@dataclass(frozen=True)
class Chats(Channel):
    """The addresses of chats by language. They hold passwords, and stay out of every message."""

    name: ClassVar[str] = "apprise"
    kind: ClassVar[str] = "apprise"

    urls: Mapping[str, Sequence[str]] = field(repr=False)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.urls)

    def compose(self, digest: Digest) -> list[Message]:
        """The same post for each address: its first line is the title."""
        post = _post(digest)
        return [Message(digest.language, url, post) for url in self.urls[digest.language]]

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        yield _Apprise()


def _post(digest: Digest) -> str:
    lines = [f"{digest.name} · {digest.date}"]
    for paper in digest.papers[:MOST_PAPERS]:
        lines += ["", f"{paper.led_title} · {digest.votes(paper)}", paper.url]
    more = len(digest.papers) - MOST_PAPERS
    if more > 0:
        words = digest.locale.set(digest.locale.plural("more_papers", more))
        lines += ["", f"{words}: {digest.url}" if digest.url else words]
    return "\n".join(lines)


class _Apprise(Connection):
    def send(self, message: Message) -> None:
        title, _, text = message.content.partition("\n\n")
        notified = notify([message.recipient], title, text, LONGEST_SECONDS)
        if notified.unknown:
            raise NotSent("an address of PAPERS_APPRISE_URLS is none that apprise knows")
        if not notified.accepted:
            raise InDoubt("an address of PAPERS_APPRISE_URLS did not accept the post")
