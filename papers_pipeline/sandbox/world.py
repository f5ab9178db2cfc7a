"""The state of the sandbox: its clock, its lists, and the faults and replies to come."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
"""The sample days. They come from the repository, whatever PAPERS_DATA_DIR is."""

LIST_NAME = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(@(?P<since>\d{4}-\d\d-\d\dT\d{4}))?\.json")


@dataclass
class Fault:
    """A failure for the next `times` requests whose path and query contain `match`.

    The request waits for `seconds`. A `status` other than 200 or a `body` replaces the answer. With
    `cut_after`, the connection breaks after that many bytes of the body.
    """

    match: str
    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    times: int = 1
    cut_after: int | None = None


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
    """

    kind: Literal["ok", "refusal", "truncated", "malformed", "html", "empty", "text"] = "ok"
    content: dict[str, Any] | str | None = None
    provider: str = ""
    language: str = ""
    title: str = ""
    times: int = 1

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

    `at` is the monotonic time of its arrival in seconds. `outcome` is the kind of the answer, the
    status of the error, or "pending" until either is known.
    """

    provider: str
    model: str
    at: float
    fields: tuple[str, ...]
    language: str
    title: str
    outcome: str = "pending"


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
    `latency_seconds`, and what `latency` adds for its kind.
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

    def fault(self, request: str) -> Fault | None:
        """The fault for this request (its path and query), if any. Uses it up once."""
        for fault in self.faults:
            if fault.match in request and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def reply(self, call: Call) -> Reply | None:
        """The reply prepared for this call, if any. Uses it up once."""
        for reply in self.replies:
            if reply.fits(call):
                reply.times -= 1
                return reply
        return None
