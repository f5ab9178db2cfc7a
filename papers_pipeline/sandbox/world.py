"""The state of the sandbox: its clock, its lists, and the faults and replies to come."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
"""The sample days. They come from the repository, whatever PAPERS_DATA_DIR is."""

BATCH_KINDS = ("expired", "errored", "invalid")
"""The kinds of replies that only requests in a batch get."""

LIST_NAME = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(@(?P<since>\d{4}-\d\d-\d\dT\d{4}))?\.json")


@dataclass
class Fault:
    """A failure for the next `times` requests whose path and query contain `match`.

    The request waits for `seconds`. A `status` other than 200 or a `body` replaces the answer. With
    `cut_after`, the connection breaks after that many bytes of the body. With `drip_seconds`, each
    byte of the body comes so long after the one before.
    """

    match: str
    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    times: int = 1
    cut_after: int | None = None
    drip_seconds: float = 0.0


@dataclass
class Reply:
    """A language model's answer to the next `times` calls that it fits.

    `content` are the fields of the answer. A string is sent unchanged: as the arguments of the tool
    call, or as the text if the request has no tool. Kinds:

    - `ok`: a regular answer.
    - `refusal`: the provider's refusal.
    - `truncated`: half the answer, with the provider's finish reason for reaching the limit.
    - `malformed`: broken JSON.
    - `html`: a web page with status 200.
    - `empty`: neither text nor a tool call.
    - `text`: prose instead of a tool call.

    Of the tokens of the question, `cached_tokens` are reported as read from the provider's cache;
    `reasoning_tokens` are added to those of the answer. Without `reports_usage`, the answer says
    nothing about tokens.
    Only for requests in a batch:

    - `expired`: the batch ends before the request has run.
    - `errored`: the request fails.
    - `invalid`: the provider rejects the whole batch after it was created.
    """

    kind: Literal[
        "ok",
        "refusal",
        "truncated",
        "malformed",
        "html",
        "empty",
        "text",
        "expired",
        "errored",
        "invalid",
    ] = "ok"
    content: dict[str, Any] | str | None = None
    provider: str = ""
    language: str = ""
    title: str = ""
    times: int = 1
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    reports_usage: bool = True

    def fits(self, call: "Call") -> bool:
        """Whether the provider, the language and part of the title match, where they are given."""
        return (
            self.times > 0
            and self.provider in ("", call.provider)
            and self.language in ("", call.language)
            and self.title in call.title
        )


@dataclass
class Call:
    """A request to a language model.

    `at` is the monotonic time of its arrival in seconds. `fields` are the JSON schemas of the
    answer's fields. `outcome` is the kind of the answer, the status of the error, or "pending"
    until either is known. `question` is a hash of all that the model was asked.
    """

    provider: str
    model: str
    at: float
    fields: Mapping[str, Any]
    language: str
    title: str
    outcome: str = "pending"
    question: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the call was answered, not turned away."""
        return self.outcome != "pending" and not self.outcome.isdigit()


@dataclass
class PlacedBatch:
    """A batch that a provider was given: its requests, and how each ends, by custom id.

    `kinds` are those of the replies. `file` is the id of the uploaded requests, if there is one.
    """

    id: str
    provider: str
    created_at: datetime
    requests: dict[str, dict[str, Any]]
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    file: str = ""
    is_canceled: bool = False


@dataclass
class Post:
    """A post in a chat of Telegram: its HTML as it was sent, and after each edit."""

    chat: str
    id: int
    versions: list[str]
    is_deleted: bool = False

    @property
    def text(self) -> str:
        """Its present HTML."""
        return self.versions[-1]


@dataclass
class Letter:
    """A letter as the mail server received it: its envelope, and its bytes."""

    sender: str
    recipients: list[str]
    content: bytes


@dataclass
class Latency:
    """The seconds before an answer: of the list, of a file of arXiv, and of a model."""

    list_seconds: float = 0.0
    arxiv_seconds: float = 0.0
    model_seconds: float = 0.0


@dataclass
class World:
    """The outside world: a folder of data, a clock, coming faults and replies, and past requests.

    The folder holds:

    - `hf_api/<date>.json`: the list of a day.
    - `hf_api/<date>@<YYYY-MM-DDTHHMM>.json`: the list of a day from that time (UTC) on.
    - `pdf/<id>.pdf` and `html/<id>.html`: documents of papers.
    - `papers/<id>.yaml`: sources from which `documents` makes PDFs and HTML.

    With `substitute_pdfs`, another PDF stands in for a missing one. Every answer takes
    `latency_seconds`, and what `latency` adds for its kind. A batch ends `batch_seconds` after it
    was created.

    `rates` are the rate limits of providers: so many requests in any so many seconds. With `crowd`,
    calls to models wait for each other: none is answered before so many were under way at once.
    That shows that they overlap, however slow the machine is.
    """

    folder: Path = SAMPLE
    now: datetime | None = None
    latency_seconds: float = 0.0
    latency: Latency = field(default_factory=Latency)
    substitute_pdfs: bool = False
    faults: list[Fault] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    calls: list[Call] = field(default_factory=list)
    rates: dict[str, tuple[int, float]] = field(default_factory=dict)
    crowd: int = 0
    most_under_way: int = 0
    batch_seconds: float = 0.0
    uploads: dict[str, bytes] = field(default_factory=dict)
    batches: list[PlacedBatch] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)

    def time(self) -> datetime:
        """The sandbox's time: `now` if it is set, else the machine's time."""
        return self.now or datetime.now(UTC)

    def days(self) -> list[date]:
        """The days that have a list, in order."""
        days = set()
        for path in (self.folder / "hf_api").glob("*.json"):
            name = LIST_NAME.fullmatch(path.name)
            if name:
                days.add(date.fromisoformat(name["day"]))
        return sorted(days)

    def listing(self, day: date) -> list[Any]:
        """The entries of a day's newest list at the sandbox's time; none if it has no list."""
        newest_since, newest = "", None
        for path in (self.folder / "hf_api").glob(f"{day}*.json"):
            name = LIST_NAME.fullmatch(path.name)
            if name is None:
                continue
            since = name["since"] or ""
            if since >= newest_since and self._has_begun(since):
                newest_since, newest = since, path
        if newest is None:
            return []
        return json.loads(newest.read_text(encoding="utf-8")) or []

    def _has_begun(self, since: str) -> bool:
        return not since or datetime.strptime(f"{since}+0000", "%Y-%m-%dT%H%M%z") <= self.time()

    def add(self, call: Call) -> None:
        """Record a call to a model when it arrives."""
        self.calls.append(call)
        under_way = sum(other.outcome == "pending" for other in self.calls)
        self.most_under_way = max(self.most_under_way, under_way)

    def seconds_over_rate(self, call: Call) -> float:
        """How long the provider's rate limit makes a new call wait; 0 if it takes the call now."""
        if call.provider not in self.rates:
            return 0.0
        requests, seconds = self.rates[call.provider]
        accepted = [
            other.at
            for other in self.calls
            if other.provider == call.provider and other.is_accepted
        ]
        if len(accepted) < requests:
            return 0.0
        return max(0.0, accepted[-requests] + seconds - call.at)

    def fault(self, request: str) -> Fault | None:
        """The fault for this request (its path and query), if any. Uses it up once."""
        for fault in self.faults:
            if fault.match in request and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def reply(self, call: Call, *, in_batch: bool = False) -> Reply | None:
        """The reply prepared for this call, if any. Uses it up once."""
        for reply in self.replies:
            if reply.fits(call) and (in_batch or reply.kind not in BATCH_KINDS):
                reply.times -= 1
                return reply
        return None
