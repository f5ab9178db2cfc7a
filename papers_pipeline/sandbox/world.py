"""What the sandbox serves: the lists of a folder, as they stood at the sandbox's time."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
"""The sample days, read from the repository wherever PAPERS_DATA_DIR points."""

LIST_NAME = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(@(?P<since>\d{4}-\d\d-\d\dT\d{4}))?\.json")


@dataclass
class Fault:
    """What a request whose path and query hold ``match`` gets instead of an answer, ``times`` times; with
    ``cut_after``, the connection breaks after that many bytes of the body."""

    match: str
    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    times: int = 1
    cut_after: int | None = None


@dataclass
class Reply:
    """What a language model answers in place of its own answer, ``times`` times, to the requests that it fits.

    ``content`` are the fields of the answer, or a string that is given as it stands: as the tool call's arguments, or
    as the text when no tool is asked for. The kinds: ``truncated`` is half the answer and the provider's reason of
    length, ``malformed`` is broken JSON, ``html`` a page with status 200, ``empty`` neither text nor call, and ``text``
    prose where a call was asked for.
    """

    kind: Literal["ok", "refusal", "truncated", "malformed", "html", "empty", "text"] = "ok"
    content: dict[str, Any] | str | None = None
    provider: str = ""
    language: str = ""
    title: str = ""
    times: int = 1

    def fits(self, call: "Call") -> bool:
        """Whether this is the answer to the call: each of provider, language and part of the title, where given."""
        return (
            self.times > 0
            and self.provider in ("", call.provider)
            and self.language in ("", call.language)
            and self.title in call.title
        )


@dataclass
class Call:
    """A request to a language model. ``at`` is the monotonic time of its arrival in seconds; ``outcome`` is the kind of
    the answer, or the status of the error, or "pending" until there is one."""

    provider: str
    model: str
    at: float
    fields: tuple[str, ...]
    language: str
    title: str
    outcome: str = "pending"


@dataclass
class World:
    """The outside world: a folder laid out as `hf_api/<date>.json`, a clock, faults and replies to come, and what was
    asked.

    `hf_api/<date>@<YYYY-MM-DDTHHMM>.json` is the list of that day from that UTC time on; `pdf/<id>.pdf` are papers, and
    `papers/<id>.yaml` what others are made of (`documents`). ``substitute_pdfs`` gives another PDF for one that lacks.
    """

    folder: Path = SAMPLE
    now: datetime | None = None
    latency_seconds: float = 0.0
    substitute_pdfs: bool = False
    faults: list[Fault] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    calls: list[Call] = field(default_factory=list)

    def time(self) -> datetime:
        """The sandbox's time: what it was set to, else the machine's."""
        return self.now or datetime.now(UTC)

    def days(self) -> list[date]:
        """The days that have a list, in order."""
        names = (LIST_NAME.fullmatch(path.name) for path in (self.folder / "hf_api").glob("*.json"))
        return sorted({date.fromisoformat(name["day"]) for name in names if name})

    def listing(self, day: date) -> list[Any]:
        """The entries of a day as they stand now; none for a day without a list."""
        newest, entries = "", None
        for path in (self.folder / "hf_api").glob(f"{day}*.json"):
            name = LIST_NAME.fullmatch(path.name)
            since = (name and name["since"]) or ""
            begun = (
                not since or datetime.strptime(f"{since}+0000", "%Y-%m-%dT%H%M%z") <= self.time()
            )
            if name and begun and since >= newest:
                newest, entries = since, json.loads(path.read_text(encoding="utf-8"))
        return entries or []

    def fault(self, request: str) -> Fault | None:
        """The fault that this request meets, if any."""
        for fault in self.faults:
            if fault.match in request and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def reply(self, call: Call) -> Reply | None:
        """The reply that is laid down for this call, if any."""
        for reply in self.replies:
            if reply.fits(call):
                reply.times -= 1
                return reply
        return None
