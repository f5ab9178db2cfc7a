"""Topics and institutions over time: shares of each month's papers, and leading institutions."""

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from math import ceil

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict

from papers_pipeline.base.characters import excerpt
from papers_pipeline.site.catalogue import Catalogue, digest, slug
from papers_pipeline.site.drawing import plots
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.render import Renderer, printable
from papers_pipeline.text.locales import Locale

PATH = "trends.html"
TOPICS, INSTITUTIONS = 12, 6
"""Lines that are plotted: those with most papers in the last year."""
LEADERS = 10
RECENT_MONTHS, YEAR_MONTHS = 3, 12
LONGEST_NAME = 46
"""Characters that fit above a bar."""


class Trend(BaseModel):
    """A topic or institution and its share of each month's papers.

    `key` is its name in URLs, `name` that in the lake or as printed. Shares are from 0 to 1, or
    None for a month without papers.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    name: str
    shares: list[float | None]


class Leader(BaseModel):
    """How many papers an institution has in the 3 and 12 months up to the newest day, and ever."""

    model_config = ConfigDict(frozen=True)

    key: str
    name: str
    recent: int
    year: int
    ever: int


class Trends(BaseModel):
    """The data of the page.

    `months` are the first days of all months from the first to the last, `papers` the papers of
    each. `leaders` are the leading institutions of the last 3 or 12 months, by papers of 12.
    """

    model_config = ConfigDict(frozen=True)

    months: list[date] = []
    papers: list[int] = []
    topics: list[Trend] = []
    institutions: list[Trend] = []
    leaders: list[Leader] = []

    @property
    def recent(self) -> list[Leader]:
        """The institutions with most papers in the last 3 months."""
        active = [leader for leader in self.leaders if leader.recent]
        return sorted(active, key=lambda leader: (-leader.recent, leader.name))[:LEADERS]

    @property
    def year(self) -> list[Leader]:
        """The institutions with most papers in the last 12 months."""
        return self.leaders[:LEADERS]


def trends_of(catalogue: Catalogue) -> Trends:
    """The trends of all papers.

    A topic's share is of the papers that have topics, an institution's of those with known
    institutions: papers that no model has read yet do not lower a share.
    """
    if not catalogue.cards:
        return Trends()
    newest, oldest = catalogue.cards[0].day, catalogue.cards[-1].day
    months = _months(oldest, newest)
    papers_of_month = Counter(card.day.replace(day=1) for card in catalogue.cards)
    institutions = list(_institution_rows(catalogue))
    return Trends(
        months=months,
        papers=[papers_of_month[month] for month in months],
        topics=_trends(list(_topic_rows(catalogue)), months, TOPICS),
        institutions=_trends(institutions, months, INSTITUTIONS),
        leaders=_leaders(institutions, newest),
    )


def trend_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The page of trends in each language."""
    trends = trends_of(catalogue)
    fingerprint = digest(trends.model_dump(mode="json"))
    for language in renderer.languages:
        make = partial(_trends_page, renderer, language, trends)
        yield Page(f"{language}/{PATH}", fingerprint, make)


Row = tuple[date, str, str, str]
"""A day, a paper's arXiv id, and the key and name of its topic or institution. Rows of newer days
come first."""


def _topic_rows(catalogue: Catalogue) -> Iterator[Row]:
    for card in catalogue.cards:
        for name in set(card.topics):
            yield card.day, card.arxiv_id, name.lower(), name


def _institution_rows(catalogue: Catalogue) -> Iterator[Row]:
    for card in catalogue.cards:
        names = {slug(name): name for name in card.institutions}
        for key, name in names.items():
            yield card.day, card.arxiv_id, key, name


def _months(oldest: date, newest: date) -> list[date]:
    """The first days of all months from that of `oldest` to that of `newest`."""
    months = [oldest.replace(day=1)]
    while months[-1] < newest.replace(day=1):
        months.append(_months_later(months[-1], 1))
    return months


def _months_later(day: date, months: int) -> date:
    """The day so many months later or, if negative, earlier. In a short month it is the last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    _, last = monthrange(year, month + 1)
    return date(year, month + 1, min(day.day, last))


def _trends(rows: Sequence[Row], months: Sequence[date], most: int) -> list[Trend]:
    known: defaultdict[date, set[str]] = defaultdict(set)
    counts: defaultdict[str, Counter[date]] = defaultdict(Counter)
    last_year: Counter[str] = Counter()
    names: dict[str, str] = {}
    for day, arxiv_id, key, name in rows:
        month = day.replace(day=1)
        known[month].add(arxiv_id)
        counts[key][month] += 1
        names.setdefault(key, name)
        if month in months[-YEAR_MONTHS:]:
            last_year[key] += 1
    trends = []
    for key in sorted(last_year, key=lambda key: (-last_year[key], key))[:most]:
        shares = [_share(counts[key][month], len(known[month])) for month in months]
        trends.append(Trend(key=key, name=names[key], shares=shares))
    return trends


def _share(papers: int, known: int) -> float | None:
    return round(papers / known, 4) if known else None


def _leaders(rows: Sequence[Row], newest: date) -> list[Leader]:
    recent: Counter[str] = Counter()
    year: Counter[str] = Counter()
    ever: Counter[str] = Counter()
    names: dict[str, str] = {}
    for day, _, key, name in rows:
        ever[key] += 1
        year[key] += day > _months_later(newest, -YEAR_MONTHS)
        recent[key] += day > _months_later(newest, -RECENT_MONTHS)
        names.setdefault(key, name)
    leaders = []
    for key, name in names.items():
        counts = {"recent": recent[key], "year": year[key], "ever": ever[key]}
        leaders.append(Leader(key=key, name=name, **counts))
    by_recent = sorted(leaders, key=lambda leader: (-leader.recent, leader.name))[:LEADERS]
    by_year = sorted(leaders, key=lambda leader: (-leader.year, leader.name))
    return [leader for leader in by_year if leader in by_year[:LEADERS] or leader in by_recent]


def _trends_page(renderer: Renderer, language: str, trends: Trends) -> str:
    locale = renderer.locales[language]
    topics = {trend.key: locale.topic(trend.name) for trend in trends.topics}
    institutions = {trend.key: trend.name for trend in trends.institutions}
    recent = {leader.name: leader.recent for leader in trends.recent}
    year = {leader.name: leader.year for leader in trends.year}
    lines: dict[str, Mapping[str, Markup]] = {}
    bars: dict[str, Markup] = {}
    if len(trends.months) > 1:
        lines["topic"] = _lines(locale, trends, trends.topics, topics)
        lines["institution"] = _lines(locale, trends, trends.institutions, institutions)
        bars["recent"] = _bars(locale, "trends.recent", recent)
        bars["year"] = _bars(locale, "trends.year", year)
    return renderer.page("trends.html.j2", language, PATH, trends=trends, lines=lines, bars=bars)


def _lines(
    locale: Locale, trends: Trends, shown: Sequence[Trend], titles: Mapping[str, str]
) -> dict[str, Markup]:
    """A plot of each trend by key. They share one scale."""
    highest = 0.0
    for trend in shown:
        for share in trend.shares:
            if share is not None:
                highest = max(highest, share)
    step = 0.1 if highest > 0.2 else 0.02
    top = ceil(highest / step) * step
    ends = (locale.short_month(trends.months[0]), locale.short_month(trends.months[-1]))
    lines = {}
    for trend in shown:
        description = _described(locale, trends.months, trend)
        lines[trend.key] = plots.line(
            titles[trend.key], description, trend.shares, ends, top, locale.percent
        )
    return lines


def _described(locale: Locale, months: Sequence[date], trend: Trend) -> str:
    """A line in words: its first, last and highest value."""
    known = []
    for share, month in zip(trend.shares, months, strict=True):
        if share is not None:
            known.append((share, month))
    values: dict[str, str] = {}
    for name, (share, month) in (("first", known[0]), ("last", known[-1]), ("most", max(known))):
        values[f"{name}_share"] = locale.percent(share)
        values[f"{name}_month"] = locale.month(month)
    return locale.text("trends.line", **values)


def _bars(locale: Locale, title: str, papers: Mapping[str, int]) -> Markup:
    """The plot of how many papers institutions have, by name; empty without any.

    `title` is a key of the locales.
    """
    if not papers:
        return Markup()
    bars = []
    words = []
    for name, number in papers.items():
        allowed = str(printable(name))  # XML forbids some characters
        bars.append((excerpt(allowed, LONGEST_NAME), number))
        words.append(f"{allowed}: {number}")
    description = locale.text("trends.bars", list="; ".join(words))
    return plots.bars(locale.set(locale.text(title)), description, bars)
