"""Links between days: neighbours, and the other days that list a day's papers."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from papers_pipeline.listing.days import NEARBY
from papers_pipeline.records import DailyIssue
from papers_pipeline.store.lake import Lake


@dataclass(frozen=True)
class Listing:
    """A paper's row in a day's listing."""

    day: date
    status: str
    first_seen_at: datetime


@dataclass(frozen=True)
class DayLinks:
    """A day's neighbours with papers, and all listings of its papers by arXiv id."""

    previous: date | None
    next: date | None
    listings: Mapping[str, Sequence[Listing]]

    def listed_on(self, arxiv_id: str) -> list[date]:
        """Every day whose listing has the paper, in order."""
        return sorted(listing.day for listing in self.listings.get(arxiv_id, ()))

    def moved_to(self, arxiv_id: str, day: date) -> date | None:
        """The other day that lists the paper now; if several do, the one that listed it last."""
        others = []
        for listing in self.listings.get(arxiv_id, ()):
            if listing.day != day and listing.status == "listed":
                others.append((listing.first_seen_at, listing.day))
        return max(others)[1] if others else None


class Listings:
    """The listings of the days from `first` to `last` and of `NEARBY` around them, read once."""

    def __init__(self, lake: Lake, first: date, last: date) -> None:
        self._days: dict[date, dict[str, Listing]] = {}
        is_near = near([first, last])
        for partition in lake.partitions("feed_listing"):
            day = date.fromisoformat(partition)
            if is_near(day):
                self._days[day] = _read_listing(lake, day)

    def links(self, day: date) -> DayLinks:
        """The links of `day` to other days."""
        previous = following = None
        for other in sorted(self._days):
            if not self._days[other]:
                continue
            if other < day:
                previous = other
            elif other > day and following is None:
                following = other
        listings: dict[str, list[Listing]] = {}
        for arxiv_id in self._days.get(day, ()):
            listings[arxiv_id] = self._listings_of(arxiv_id)
        return DayLinks(previous, following, listings)

    def _listings_of(self, arxiv_id: str) -> list[Listing]:
        """The paper's row of every day that lists it."""
        return [papers[arxiv_id] for papers in self._days.values() if arxiv_id in papers]

    def linked_days(self, days: Iterable[date]) -> set[date]:
        """The days that are neighbours of `days` or share a paper with them, without `days`."""
        days = set(days)
        found: set[date] = set()
        for day in days:
            links = self.links(day)
            for neighbour in (links.previous, links.next):
                if neighbour:
                    found.add(neighbour)
            for listings in links.listings.values():
                found.update(listing.day for listing in listings)
        return found - days


def near(days: Collection[date]) -> Callable[[date], bool]:
    """Whether a day is so near to some of these that they may have a paper in common."""
    first, last = min(days), max(days)
    return lambda day: first - NEARBY <= day <= last + NEARBY


def days_with_stale_links(lake: Lake, days: Sequence[date]) -> list[date]:
    """Built days whose cross-day links went stale when `days` were rebuilt.

    They need a new issue and new pages.
    """
    if not days:
        return []
    listings = Listings(lake, min(days), max(days))
    stale = []
    for day in sorted(listings.linked_days(days)):
        stored = lake.read("daily_issue", day.isoformat(), DailyIssue)
        if stored and stored[0] != with_links(stored[0], listings.links(day)):
            stale.append(day)
    return stale


def with_links(issue: DailyIssue, links: DayLinks) -> DailyIssue:
    """The issue with its links to other days as they are now."""
    papers = []
    for paper in issue.papers:
        is_gone = paper.status == "gone"
        listed_on = links.listed_on(paper.arxiv_id) or [issue.date]
        moved_to = links.moved_to(paper.arxiv_id, issue.date) if is_gone else None
        papers.append(paper.model_copy(update={"listed_on": listed_on, "moved_to": moved_to}))
    return issue.model_copy(
        update={"previous": links.previous, "next": links.next, "papers": papers}
    )


def _read_listing(lake: Lake, day: date) -> dict[str, Listing]:
    table = lake.columns("feed_listing", str(day), ("arxiv_id", "status", "first_seen_at"))
    if table is None:
        return {}
    listing = {}
    for row in table.to_pylist():
        listing[row["arxiv_id"]] = Listing(day, row["status"], row["first_seen_at"])
    return listing
