"""Delivers a day over a channel: each message once, whatever happens to the process."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.delivery.book import Book
from papers_pipeline.delivery.channel import (
    Channel,
    Closed,
    Connection,
    EditingConnection,
    InDoubt,
    Message,
    NotSent,
)
from papers_pipeline.delivery.digest import Digest, digest_of
from papers_pipeline.records import DailyIssue, Delivery, DeliveryState
from papers_pipeline.store.lake import Lake
from papers_pipeline.text.locales import Locale

LEAST_WRITTEN = 0.8
"""The share of a day's papers that have a text when a message goes out that cannot be edited."""
INTERRUPTED = "its sender ended before it knew"
LOST = "the table that knew is damaged"


@dataclass(frozen=True)
class Policy:
    """When days are delivered.

    - `days`: how many days back a day may be. Older ones send nothing.
    - `hour`: the hour (UTC) of the day from which it goes out; 24 waits until it is over.
    """

    days: int = 3
    hour: int = 24


@dataclass
class Report:
    """What became of a day's messages on a channel.

    `unchanged` were sent before and stay as they are. `waits` says for each language without
    messages what it waits for. `failures` are sent again by the next build. `doubts` are not: each
    names the command that sends the message again.
    """

    sent: int = 0
    edited: int = 0
    unchanged: int = 0
    waits: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        """Whether nothing failed and nothing is in doubt."""
        return not (self.failures or self.doubts)

    def __str__(self) -> str:
        return f"{self.sent} sent, {self.edited} edited, {self.unchanged} unchanged"


class Courier:
    """Delivers days by the policy. `check` raises if the lock of the day was lost."""

    def __init__(
        self,
        locales: Mapping[str, Locale],
        site_url: str | None,
        policy: Policy,
        lake: Lake,
        clock: Clock,
        check: Callable[[], None],
    ) -> None:
        self._locales = locales
        self._site_url = site_url
        self._policy = policy
        self._lake = lake
        self._clock = clock
        self._check = check

    def digests(self, channel: Channel, issue: DailyIssue) -> list[Digest]:
        """The day in every language of the channel."""
        digests = []
        for language in channel.languages:
            digests.append(digest_of(issue, self._locales[language], self._site_url))
        return digests

    def why_not(self, channel: Channel, digest: Digest) -> str | None:
        """Why a day does not go out now, in a few words; None if it does."""
        oldest = self._clock.today().toordinal() - self._policy.days
        if digest.day.toordinal() < oldest:
            return f"the day is more than PAPERS_DELIVER_DAYS={self._policy.days} days ago"
        if digest.state not in ("open", "listed"):
            return f"the list is {digest.state}"
        if not digest.papers:
            return "no paper has a text in this language"
        if channel.edits:
            return None
        if digest.state == "open" and self._is_early(digest.day):
            return f"the day is open, and it is before PAPERS_DELIVER_HOUR={self._policy.hour}"
        if len(digest.papers) < LEAST_WRITTEN * digest.listed:
            return f"only {len(digest.papers)} of {digest.listed} papers have a text"
        return None

    def deliver(
        self,
        channel: Channel,
        issue: DailyIssue,
        languages: Collection[str] = (),
        *,
        again: bool = False,
        only: Collection[str] = (),
    ) -> tuple[Report, list[Delivery]]:
        """Send what was not sent and edit what changed; returns the rows of the day too.

        `languages` and `only`, the keys of messages, choose some; without them all are meant. With
        `again`, the chosen messages are sent even if they were before or may have been. Whoever
        calls this holds the lock of the day. Raises OperatorError if the stored rows are lost and
        the messages cannot be composed, since nobody can then say which may have gone out.
        """
        book = Book(self._lake, channel.name, issue.date, self._check)
        digests = self.digests(channel, issue)
        if book.is_lost:
            book.put(*_lost(channel, digests))
        report = Report()
        due: list[Message] = []
        for digest in digests:
            if not languages or digest.language in languages:
                due += self._due(channel, digest, report)
        chosen = [message for message in due if not only or message.key in only]
        with channel.connected() as connection:
            sending = _Sending(channel, connection, book, self._clock, issue.date, report)
            sending.all_of(chosen, again)
            if not only:
                sending.withdraw_rest(due)
        return report, book.rows

    def _is_early(self, day: date) -> bool:
        """Whether an open day does not go out yet: with hour 24, its list has to be final."""
        if self._policy.hour == 24:
            return True
        begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return self._clock.now() < begins + timedelta(hours=self._policy.hour)

    def _due(self, channel: Channel, digest: Digest, report: Report) -> list[Message]:
        """The messages of a language that may go out now."""
        reason = self.why_not(channel, digest)
        if reason:
            report.waits[digest.language] = reason
            return []
        try:
            messages = channel.compose(digest)
            report.failures += channel.faults(digest.language)
        except OperatorError as error:
            report.failures.append(f"{digest.language}: {error}")
            return []
        return messages


def _lost(channel: Channel, digests: Sequence[Digest]) -> list[Delivery]:
    """Rows for all messages of a day: each of them may have gone out."""
    rows = []
    for digest in digests:
        for message in channel.compose(digest) if digest.papers else ():
            rows.append(_row(message, detail=LOST))
    return rows


@dataclass
class _Sending:
    """The messages of a day on their way over one connection."""

    channel: Channel
    connection: Connection
    book: Book
    clock: Clock
    day: date
    report: Report

    def all_of(self, messages: Sequence[Message], again: bool) -> None:
        """Send or edit each message, until the connection is closed."""
        for message in messages:
            try:
                self._one(message, again)
            except Closed as error:
                self.report.failures.append(f"{message.language}: {error}")
                return
            except NotSent as error:
                self.report.failures.append(f"{message.language} {message.key}: {error}")
            except InDoubt as error:
                self._doubt(message, str(error))

    def withdraw_rest(self, messages: Sequence[Message]) -> None:
        """Delete the last posts of a day that became shorter. Only a channel that edits can."""
        if not isinstance(self.connection, EditingConnection):
            return
        keys = {message.key for message in messages}
        recipients = {_recipient(message.key): message for message in messages}
        for row in self.book.rows:
            message = recipients.get(_recipient(row.key))
            if message is None or row.key in keys or row.state == "sending":
                continue
            try:
                if row.message_id:
                    self.connection.delete(message, row.message_id)
                self.book.drop(row.key)
            except NotSent as error:
                self.report.failures.append(f"{row.language} {row.key}: {error}")

    def _one(self, message: Message, again: bool) -> None:
        row = self.book.get(message.key)
        connection = self.connection
        if row is None or row.state == "refused" or again:
            self._send(message)
        elif row.state == "sending":
            self._doubt(message, row.detail or INTERRUPTED)
        elif row.sha256 == message.sha256 or not row.message_id:
            self.report.unchanged += 1
        elif isinstance(connection, EditingConnection):
            connection.edit(message, row.message_id)
            self.book.put(self._sent(message, row.message_id))
            self.report.edited += 1
        else:  # it cannot follow the day
            self.report.unchanged += 1

    def _send(self, message: Message) -> None:
        # Written before the message goes out: if this process ends now, nobody sends it again.
        before = self.book.get(message.key)
        self.book.put(_row(message))
        try:
            message_id = self.connection.send(message)
        except Closed:
            self._restore(message, before)
            raise
        except NotSent as error:
            self.book.put(_row(message, "refused", detail=str(error)))
            raise
        except InDoubt as error:
            self.book.put(_row(message, detail=str(error)))
            raise
        self.book.put(self._sent(message, message_id))
        self.report.sent += 1

    def _restore(self, message: Message, before: Delivery | None) -> None:
        """The row as it was before a message that did not go out."""
        if before is None:
            self.book.drop(message.key)
        else:
            self.book.put(before)

    def _sent(self, message: Message, message_id: str | None) -> Delivery:
        row = _row(message, "sent")
        return row.model_copy(update={"message_id": message_id, "sent_at": self.clock.now()})

    def _doubt(self, message: Message, why: str) -> None:
        command = (
            f"papers deliver --channel {self.channel.name} --date {self.day} "
            f"--language {message.language} --only {message.key} --again"
        )
        self.report.doubts.append(
            f"{message.language} {message.key} may have gone out ({why}). "
            f"If it did not: `{command}`"
        )


def _recipient(key: str) -> str:
    """The part of a key that names the recipient."""
    return key.partition(".")[0]


def _row(message: Message, state: DeliveryState = "sending", detail: str | None = None) -> Delivery:
    return Delivery(
        key=message.key,
        language=message.language,
        state=state,
        sha256=message.sha256,
        detail=detail,
    )
