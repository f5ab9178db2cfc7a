"""The Hugging Face Daily Papers list: asked for page by page, kept as received, read into typed rows.

The raw JSON is parsed here because `huggingface_hub.list_daily_papers` (2.4) drops the summary, the links and the time
of listing. Keys came and went over the years and are absent, not null: https://huggingface.co/.well-known/openapi.json
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Annotated, Any

import requests
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from papers_pipeline.base.characters import fold
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.http import cause
from papers_pipeline.records import FeedResponse, Paper, PaperVotes
from papers_pipeline.store.limits import SharedLimit

PAGE_SIZE = 100
"""The most that the API gives at once; its default of 50 would silently cut a busy day."""
MOST_PAGES = 20
TIMEOUT_SECONDS = 30


class FeedError(OperatorError):
    """A list that could not be had or read; the message names the day, the fault and the way out."""


class FeedClient:
    """Asks one endpoint for the lists of days."""

    def __init__(
        self,
        endpoint: str,
        session: requests.Session,
        limit: SharedLimit | None = None,
        token: str | None = None,
    ) -> None:
        self._url = f"{endpoint}/api/daily_papers"
        self._session = session
        self._limit = limit
        self._headers = {"Accept": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )

    def fetch(self, day: date) -> list[str]:
        """The bodies of all pages of a day's list, as received; one page, ``[]``, for a day without papers.

        Raises FeedError when the API refuses, is throttled or broken after the session's retries, or answers anything
        but a JSON list.
        """
        bodies: list[str] = []
        while len(bodies) < MOST_PAGES:
            body = self._page(day, len(bodies))
            bodies.append(body)
            if len(_entries(body, day)) < PAGE_SIZE:
                return bodies
        raise FeedError(
            f"{day}: the list does not end after {MOST_PAGES} pages of {PAGE_SIZE}: is HF_ENDPOINT right?"
        )

    def _page(self, day: date, page: int) -> str:
        if self._limit:
            self._limit.acquire()
        query = {"date": day.isoformat(), "limit": str(PAGE_SIZE), "p": str(page)}
        try:
            answer = self._session.get(
                self._url, params=query, headers=self._headers, timeout=TIMEOUT_SECONDS
            )
        except requests.RequestException as error:
            raise FeedError(
                f"{day}: {self._url} cannot be reached ({cause(error)}): try again later"
            ) from None
        if answer.status_code != requests.codes.ok:
            raise FeedError(f"{day}: {self._url} answered {_refusal(answer, day)}")
        answer.encoding = "utf-8"
        return answer.text


def _refusal(answer: requests.Response, day: date) -> str:
    status = answer.status_code
    if status == 400:
        return f"400: it knows no list for {day}; a day begins at 00:00 UTC"
    if status in (401, 403):
        return f"{status}: the token is not accepted; check HF_TOKEN or unset it"
    if status == 429:
        wait = answer.headers.get("Retry-After")
        until = f" for {wait} s" if wait else ""
        return f"429 after all retries: it asks to wait{until}; run again then, or set HF_TOKEN for twice the limit"
    if status >= 500:
        return f"{status} after all retries: the service is in trouble; run again later"
    return f"{status}: is HF_ENDPOINT right?"


def _entries(body: str, day: date) -> list[Any]:
    try:
        answer = json.loads(body)
    except json.JSONDecodeError:
        kind = "HTML" if body.lstrip()[:1] == "<" else "no JSON"
        start = fold(body)[:80]
        raise FeedError(
            f"{day}: the list is {kind}: {start!r} (a proxy's or a maintenance page?)"
        ) from None
    if not isinstance(answer, list):
        keys = f" with keys {sorted(answer)}" if isinstance(answer, dict) else ""
        raise FeedError(
            f"{day}: the shape of the API changed: expected a list, got {type(answer).__name__}{keys}"
        )
    return answer


def entry_count(bodies: Iterable[str], day: date) -> int:
    """How many entries the pages of one answer hold."""
    return sum(len(_entries(body, day)) for body in bodies)


def _arxiv_id(text: str) -> str:
    if not re.fullmatch(r"\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7}", text):
        raise ValueError(f"{text!r} is no arXiv id")
    return text


Folded = Annotated[str, AfterValidator(fold)]
FoldedOrNone = Annotated[
    str | None, AfterValidator(lambda text: fold(text) or None if text else None)
]


class _Author(BaseModel):
    name: Folded


class _Organization(BaseModel):
    name: Folded
    fullname: FoldedOrNone = None


class _ApiPaper(BaseModel):
    id: Annotated[str, AfterValidator(_arxiv_id)]
    title: Annotated[Folded, Field(min_length=1)]
    summary: Folded
    authors: list[_Author]
    publishedAt: datetime
    upvotes: int
    submittedOnDailyAt: datetime | None = None
    withdrawnAt: datetime | None = None
    organization: _Organization | None = None
    githubRepo: FoldedOrNone = None
    githubStars: int | None = None
    projectPage: FoldedOrNone = None
    mediaUrls: list[str] | None = None
    ai_summary: FoldedOrNone = None
    ai_summary_model: FoldedOrNone = None
    ai_keywords: list[Folded] | None = None


class _ApiEntry(BaseModel):
    paper: _ApiPaper
    thumbnail: FoldedOrNone = None
    numComments: int = 0
    organization: _Organization | None = None
    mediaUrls: list[str] | None = None

    def paper_row(self, seen_at: datetime) -> Paper:
        paper, organization = self.paper, self.paper.organization or self.organization
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
        paper = self.paper
        stars = paper.githubStars
        return PaperVotes(
            arxiv_id=paper.id, upvotes=paper.upvotes, comments=self.numComments, github_stars=stars
        )


@dataclass(frozen=True)
class SetAside:
    """An entry of the list that could not be read: its place, its id where that could be read, and what is wrong."""

    place: int
    arxiv_id: str | None
    reason: str


@dataclass(frozen=True)
class _Reading:
    entries: dict[str, _ApiEntry]
    set_aside: list[SetAside]

    @property
    def named(self) -> set[str]:
        """Every id of the list, an entry set aside included: that one is on the list, though unreadable."""
        return set(self.entries) | {entry.arxiv_id for entry in self.set_aside if entry.arxiv_id}


def _read(bodies: Iterable[str], day: date) -> _Reading:
    entries: dict[str, _ApiEntry] = {}
    set_aside: list[SetAside] = []
    place = 0
    for raw in (raw for body in bodies for raw in _entries(body, day)):
        place += 1
        try:
            entry = _ApiEntry.model_validate(raw)
        except ValidationError as error:
            set_aside.append(SetAside(place, _raw_id(raw), _faults(error)))
        else:
            # A list that grows while it is paged gives a paper twice.
            entries.setdefault(entry.paper.id, entry)
    if set_aside and not entries:
        first = set_aside[0]
        raise FeedError(
            f"{day}: the shape of the API changed: none of {place} entries can be read; "
            f"the first, {first.arxiv_id or 'without an id'}: {first.reason}"
        )
    return _Reading(entries, set_aside)


def _raw_id(raw: Any) -> str | None:
    paper = raw.get("paper") if isinstance(raw, dict) else None
    name = paper.get("id") if isinstance(paper, dict) else None
    return name if isinstance(name, str) else None


def _faults(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'entry'}: {fault['msg']}" for fault in error.errors()
    )


def kept_responses(
    kept: Sequence[FeedResponse], bodies: Sequence[str], fetched_at: datetime
) -> list[FeedResponse]:
    """The day's kept responses with a new one added, unless it says nothing new: every response that differs from the
    one before it is kept, so that the listing is a pure function of them."""
    newest = max((response.fetched_at for response in kept), default=None)
    last = [response.body for response in kept if response.fetched_at == newest]
    if list(bodies) == last:
        return list(kept)
    if newest is not None:  # a clock that was set back does not make the new answer the older one
        fetched_at = max(fetched_at, newest + timedelta(milliseconds=1))
    return [
        *kept,
        *(
            FeedResponse(fetched_at=fetched_at, page=page, body=body)
            for page, body in enumerate(bodies)
        ),
    ]


def _readings(responses: Sequence[FeedResponse], day: date) -> Iterable[tuple[datetime, _Reading]]:
    ordered = sorted(responses, key=lambda response: (response.fetched_at, response.page))
    for fetched_at, pages in groupby(ordered, key=lambda response: response.fetched_at):
        yield fetched_at, _read([page.body for page in pages], day)


def listing(responses: Sequence[FeedResponse], day: date) -> tuple[list[Paper], list[SetAside]]:
    """The rows of a day, by arXiv id, and the entries of the newest response that were set aside.

    A paper keeps the time at which it was first seen; one that a later response lacks is ``gone`` from that response
    on, and keeps its row as it last was; one that comes back is listed again. Raises FeedError for a list in which
    nothing can be read.
    """
    rows: dict[str, Paper] = {}
    set_aside: list[SetAside] = []
    for fetched_at, reading in _readings(responses, day):
        set_aside = reading.set_aside
        for arxiv_id, entry in reading.entries.items():
            seen_at = rows[arxiv_id].first_seen_at if arxiv_id in rows else fetched_at
            rows[arxiv_id] = entry.paper_row(seen_at)
        for arxiv_id, row in rows.items():
            if row.status == "listed" and arxiv_id not in reading.named:
                rows[arxiv_id] = row.model_copy(update={"status": "gone", "gone_at": fetched_at})
            elif row.status == "gone" and arxiv_id in reading.named:
                rows[arxiv_id] = row.model_copy(update={"status": "listed", "gone_at": None})
    return [rows[arxiv_id] for arxiv_id in sorted(rows)], set_aside


def votes(responses: Sequence[FeedResponse], day: date) -> list[PaperVotes]:
    """The newest votes of every paper that any of the day's responses held, by arXiv id."""
    rows: dict[str, PaperVotes] = {}
    for _, reading in _readings(responses, day):
        rows.update({arxiv_id: entry.votes_row() for arxiv_id, entry in reading.entries.items()})
    return [rows[arxiv_id] for arxiv_id in sorted(rows)]
