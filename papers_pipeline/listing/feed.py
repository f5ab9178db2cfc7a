"""The Hugging Face Daily Papers list: fetched page by page, kept as received, read into typed rows.

The raw JSON is parsed here because `huggingface_hub.list_daily_papers` (2.4) drops the summary, the
links and the time of listing. Keys came and went over the years, and a missing value is an absent
key rather than null: https://huggingface.co/.well-known/openapi.json
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Annotated, Any, TypeVar

import requests
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from papers_pipeline.base import http as web
from papers_pipeline.base.characters import fold
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.notes import Note, unheard
from papers_pipeline.records import FeedResponse, Paper, PaperVotes
from papers_pipeline.store.limits import Limit

PAGE_SIZE = 100
"""The API's maximum. Its default of 50 would silently truncate a busy day."""
MOST_PAGES = 20
MOST_PAGE_BYTES = 4_000_000
"""Bytes of a page, decompressed. A full one has under a million. Whatever so few bytes hold, this
process parses it in a fraction of a second and 0.3 GB."""
MOST_ENTRIES = 1000
"""Entries of a page, if the API ignores how many were asked for."""
MOST_COUNTED = 10**9
"""Votes, comments or stars. More would not fit into a table."""
LONGEST_ID, LONGEST_REASON = 40, 300
"""Characters that are quoted of an entry that cannot be read."""
MOST_REDIRECTS = 5
TIMEOUT_SECONDS = 30
LONGEST_LIST_SECONDS = 60.0
"""For one page, from the request to its last byte. It usually takes one."""


class FeedError(OperatorError):
    """A list cannot be fetched or read. The message names the day and says what to do."""


class FeedClient:
    """Fetches the lists of days from one endpoint."""

    def __init__(
        self,
        endpoint: str,
        session: requests.Session,
        limit: Limit | None = None,
        token: str | None = None,
    ) -> None:
        self._url = f"{endpoint}/api/daily_papers"
        self._session = session
        self._limit = limit
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def fetch(self, day: date, note: Note = unheard) -> list[str]:
        """The bodies of all pages of a day's list, as received. A day without papers has one, `[]`.

        `note` is told what a long wait is for. Raises FeedError if the API refuses, still fails
        after the session's retries, or returns anything but a JSON list.
        """
        bodies: list[str] = []
        while len(bodies) < MOST_PAGES:
            body = self._page(day, len(bodies), note)
            bodies.append(body)
            found = len(_entries(body, day))
            if found > MOST_ENTRIES:
                raise FeedError(
                    f"{day}: {self._url} sends {found} entries for a page of {PAGE_SIZE}: "
                    "is HF_ENDPOINT right?"
                )
            if found < PAGE_SIZE:
                return bodies
        raise FeedError(
            f"{day}: the list does not end after {MOST_PAGES} pages of {PAGE_SIZE}: "
            "is HF_ENDPOINT right?"
        )

    def _page(self, day: date, page: int, note: Note) -> str:
        query = {"date": day.isoformat(), "limit": str(PAGE_SIZE), "p": str(page)}
        address = requests.Request("GET", self._url, params=query).prepare().url or self._url
        for _ in range(MOST_REDIRECTS + 1):
            try:
                with self._ask(address, note) as answer:
                    target = web.redirect_target(answer)
                    if target is None:
                        return self._text(answer, day)
            except web.TooLarge:
                raise FeedError(
                    f"{day}: {self._url} sends more than {MOST_PAGE_BYTES} bytes for a page of "
                    f"{PAGE_SIZE} papers: is HF_ENDPOINT right?"
                ) from None
            except requests.RequestException as error:
                what = "is too slow" if web.is_too_slow(error) else "cannot be reached"
                raise FeedError(
                    f"{day}: {self._url} {what} ({web.cause(error)}): try again later"
                ) from None
            # A token must not go to a host that never asked.
            if not web.same_site(target, self._url):
                raise FeedError(
                    f"{day}: {self._url} redirects to {fold(target)}, which is another host: "
                    "if that is right, set HF_ENDPOINT"
                )
            address = target
        raise FeedError(f"{day}: {self._url} redirects more than {MOST_REDIRECTS} times")

    def _ask(self, address: str, note: Note) -> requests.Response:
        if self._limit:
            self._limit.acquire(note)
        return self._session.get(
            address,
            headers=self._headers,
            timeout=TIMEOUT_SECONDS,
            stream=True,
        )

    def _text(self, answer: requests.Response, day: date) -> str:
        if answer.status_code != requests.codes.ok:
            raise FeedError(f"{day}: {self._url} answered {_refusal(answer, day)}")
        return web.body(answer, MOST_PAGE_BYTES).decode("utf-8", "replace")


def _refusal(answer: requests.Response, day: date) -> str:
    status = answer.status_code
    if status == 400:
        return f"400: it has no list for {day}; a day begins at 00:00 UTC"
    if status in (401, 403):
        return f"{status}: the token is not accepted; check HF_TOKEN or unset it"
    if status == 429:
        wait = answer.headers.get("Retry-After")
        until = f" for {wait} s" if wait else ""
        return (
            f"429 after all retries: it asks to wait{until}; run again then, "
            "or set HF_TOKEN for twice the limit"
        )
    if status >= 500:
        return f"{status} after all retries: the service is in trouble; run again later"
    return f"{status}: is HF_ENDPOINT right?"


def _entries(body: str, day: date) -> list[Any]:
    try:
        answer = json.loads(body)
    except json.JSONDecodeError:
        kind = "HTML" if body.lstrip()[:1] == "<" else "not JSON"
        start = fold(body[:1000])[:80]
        raise FeedError(
            f"{day}: the list is {kind}: {start!r} (a proxy or maintenance page?)"
        ) from None
    except (RecursionError, ValueError) as error:  # the latter for a number without an end
        what = (
            "is nested too deeply" if isinstance(error, RecursionError) else "has too long a number"
        )
        raise FeedError(
            f"{day}: the list {what} for one of papers: is HF_ENDPOINT right?"
        ) from None
    if not isinstance(answer, list):
        keys = f" with keys {sorted(answer)[:10]}" if isinstance(answer, dict) else ""
        raise FeedError(
            f"{day}: the API's format changed: expected a list, got {type(answer).__name__}{keys}"
        )
    return answer


def entry_count(bodies: Iterable[str], day: date) -> int:
    """How many entries the pages of one list have in total."""
    return sum(len(_entries(body, day)) for body in bodies)


def _arxiv_id(text: str) -> str:
    if not re.fullmatch(r"\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7}", text):
        raise ValueError(f"{text[:LONGEST_ID]!r} is not an arXiv id")
    return text


def _folded_or_none(text: str | None) -> str | None:
    return fold(text) or None if text else None


Item = TypeVar("Item")
Items = Annotated[list[Item], Field(fail_fast=True)]
"""A list whose first fault is reported, not each of a million."""
Count = Annotated[int, Field(ge=-MOST_COUNTED, le=MOST_COUNTED)]
Folded = Annotated[str, AfterValidator(fold)]
FoldedOrNone = Annotated[str | None, AfterValidator(_folded_or_none)]


class _Author(BaseModel):
    name: Folded


class _Organization(BaseModel):
    name: Folded
    fullname: FoldedOrNone = None


class _ApiPaper(BaseModel):
    id: Annotated[str, AfterValidator(_arxiv_id)]
    title: Annotated[Folded, Field(min_length=1)]
    summary: Folded
    authors: Items[_Author]
    publishedAt: datetime
    upvotes: Count
    submittedOnDailyAt: datetime | None = None
    withdrawnAt: datetime | None = None
    organization: _Organization | None = None
    githubRepo: FoldedOrNone = None
    githubStars: Count | None = None
    projectPage: FoldedOrNone = None
    mediaUrls: Items[Folded] | None = None
    ai_summary: FoldedOrNone = None
    ai_summary_model: FoldedOrNone = None
    ai_keywords: Items[Folded] | None = None


class _ApiEntry(BaseModel):
    paper: _ApiPaper
    thumbnail: FoldedOrNone = None
    numComments: Count = 0
    organization: _Organization | None = None
    mediaUrls: Items[Folded] | None = None

    def paper_row(self, seen_at: datetime) -> Paper:
        paper = self.paper
        organization = paper.organization or self.organization
        return Paper(
            arxiv_id=paper.id,
            title=paper.title,
            abstract=paper.summary,
            authors=[author.name for author in paper.authors if author.name],
            published_at=paper.publishedAt,
            submitted_at=paper.submittedOnDailyAt,
            withdrawn_at=paper.withdrawnAt,
            organization=(organization.fullname or organization.name) if organization else None,
            code_url=paper.githubRepo,
            project_url=paper.projectPage,
            thumbnail=self.thumbnail,
            media_urls=paper.mediaUrls or self.mediaUrls or [],
            ai_summary=paper.ai_summary,
            ai_summary_model=paper.ai_summary_model,
            ai_keywords=paper.ai_keywords or [],
            status="withdrawn" if paper.withdrawnAt else "listed",
            first_seen_at=seen_at,
        )

    def votes_row(self) -> PaperVotes:
        return PaperVotes(
            arxiv_id=self.paper.id,
            upvotes=self.paper.upvotes,
            comments=self.numComments,
            github_stars=self.paper.githubStars,
        )


@dataclass(frozen=True)
class SetAside:
    """An unreadable entry: its position from 1, its id if that is readable, and what is wrong."""

    place: int
    arxiv_id: str | None
    reason: str


@dataclass(frozen=True)
class _Reading:
    entries: dict[str, _ApiEntry]
    set_aside: list[SetAside]

    @property
    def listed_ids(self) -> set[str]:
        """Every readable id. A paper whose entry is unreadable otherwise is still on the list."""
        ids = set(self.entries)
        for unreadable in self.set_aside:
            if unreadable.arxiv_id:
                ids.add(unreadable.arxiv_id)
        return ids


def _read(bodies: Iterable[str], day: date) -> _Reading:
    entries: dict[str, _ApiEntry] = {}
    set_aside: list[SetAside] = []
    place = 0
    for body in bodies:
        for raw in _entries(body, day):
            place += 1
            try:
                entry = _ApiEntry.model_validate(raw)
            except ValidationError as error:
                set_aside.append(SetAside(place, _raw_id(raw), _faults(error)))
            else:
                # A list that grows between two pages repeats a paper.
                entries.setdefault(entry.paper.id, entry)
    if set_aside and not entries:
        first = set_aside[0]
        raise FeedError(
            f"{day}: the API's format changed: none of {place} entries can be read; "
            f"the first, {first.arxiv_id or 'without an id'}: {first.reason}"
        )
    return _Reading(entries, set_aside)


def _raw_id(raw: Any) -> str | None:
    paper = raw.get("paper") if isinstance(raw, dict) else None
    name = paper.get("id") if isinstance(paper, dict) else None
    return name if isinstance(name, str) and len(name) <= LONGEST_ID else None


def _faults(error: ValidationError) -> str:
    faults = []
    for fault in error.errors():
        field = ".".join(map(str, fault["loc"])) or "entry"
        faults.append(f"{field}: {fault['msg']}")
    return "; ".join(faults)[:LONGEST_REASON]


def kept_responses(
    kept: Sequence[FeedResponse], bodies: Sequence[str], fetched_at: datetime
) -> list[FeedResponse]:
    """The day's stored responses, with a new one added if it differs from the newest.

    As every distinct response is stored, the listing is a pure function of the responses.
    """
    newest = max((response.fetched_at for response in kept), default=None)
    last = [response.body for response in kept if response.fetched_at == newest]
    if list(bodies) == last:
        return list(kept)
    if newest is not None:
        # If the clock was set back, the new response is still the newest.
        fetched_at = max(fetched_at, newest + timedelta(milliseconds=1))
    added = [
        FeedResponse(fetched_at=fetched_at, page=page, body=body)
        for page, body in enumerate(bodies)
    ]
    return [*kept, *added]


def _readings(responses: Sequence[FeedResponse], day: date) -> Iterable[tuple[datetime, _Reading]]:
    """What each response says, oldest first.

    The newest has to be readable. An older one that is not is passed over: it stays stored, and
    would stop the day for ever.
    """
    ordered = sorted(responses, key=lambda response: (response.fetched_at, response.page))
    for fetched_at, pages in groupby(ordered, key=lambda response: response.fetched_at):
        try:
            reading = _read([page.body for page in pages], day)
        except FeedError:
            if fetched_at == ordered[-1].fetched_at:
                raise
            continue
        yield fetched_at, reading


def listing(responses: Sequence[FeedResponse], day: date) -> tuple[list[Paper], list[SetAside]]:
    """The rows of a day, sorted by arXiv id, and the unreadable entries of the newest response.

    A paper keeps the time when it was first seen. If a later response lacks it, it is `gone` from
    then on and keeps its last row; if it returns, it is listed again. Raises FeedError if no entry
    of the newest response can be read.
    """
    rows: dict[str, Paper] = {}
    set_aside: list[SetAside] = []
    for fetched_at, reading in _readings(responses, day):
        set_aside = reading.set_aside
        for arxiv_id, entry in reading.entries.items():
            seen_at = rows[arxiv_id].first_seen_at if arxiv_id in rows else fetched_at
            rows[arxiv_id] = entry.paper_row(seen_at)
        for arxiv_id, row in rows.items():
            if row.status == "listed" and arxiv_id not in reading.listed_ids:
                rows[arxiv_id] = row.model_copy(update={"status": "gone", "gone_at": fetched_at})
            elif row.status == "gone" and arxiv_id in reading.listed_ids:
                rows[arxiv_id] = row.model_copy(update={"status": "listed", "gone_at": None})
    return [rows[arxiv_id] for arxiv_id in sorted(rows)], set_aside


def votes(responses: Sequence[FeedResponse], day: date) -> list[PaperVotes]:
    """The newest votes of every paper in any of the day's responses, sorted by arXiv id."""
    rows: dict[str, PaperVotes] = {}
    for _, reading in _readings(responses, day):
        for arxiv_id, entry in reading.entries.items():
            rows[arxiv_id] = entry.votes_row()
    return [rows[arxiv_id] for arxiv_id in sorted(rows)]
