"""Topics and institutions over time: shares of each month's papers, and leading institutions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict

from papers_pipeline.base.characters import excerpt
from papers_pipeline.site.catalogue import Catalogue, digest
from papers_pipeline.site.drawing import plots
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.render import Renderer, printable
from papers_pipeline.site.slugs import slug
from papers_pipeline.text.locales import Locale

if TYPE_CHECKING:
    import pandas as pd

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
    import pandas as pd  # half a second that only the build of the site needs

    newest, oldest = catalogue.cards[0].day, catalogue.cards[-1].day
    months = pd.period_range(oldest, newest, freq="M")
    papers = _table((card.day, card.arxiv_id, "", "") for card in catalogue.cards)
    papers_of_month = papers.groupby("month").size().reindex(months, fill_value=0)
    topics = _table(_topic_rows(catalogue))
    institutions = _table(_institution_rows(catalogue))
    return Trends(
        months=[month.start_time.date() for month in months],
        papers=papers_of_month.tolist(),
        topics=_trends(topics, months, TOPICS),
        institutions=_trends(institutions, months, INSTITUTIONS),
        leaders=_leaders(institutions, pd.Timestamp(newest)),
    )


def trend_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The page of trends in each language."""
    trends = trends_of(catalogue)
    fingerprint = digest(trends.model_dump(mode="json"))
    for language in renderer.languages:
        make = partial(_trends_page, renderer, language, trends)
        yield Page(f"{language}/{PATH}", fingerprint, make)


Row = tuple[date, str, str, str]
"""A day, a paper's arXiv id, and the key and name of its topic or institution."""


def _topic_rows(catalogue: Catalogue) -> Iterator[Row]:
    for card in catalogue.cards:
        for name in set(card.topics):
            yield card.day, card.arxiv_id, name.lower(), name


def _institution_rows(catalogue: Catalogue) -> Iterator[Row]:
    for card in catalogue.cards:
        names = {slug(name): name for name in card.institutions}
        for key, name in names.items():
            yield card.day, card.arxiv_id, key, name


def _table(rows: Iterable[Row]) -> "pd.DataFrame":
    """The rows and the month of each, newest first."""
    import pandas as pd

    table = pd.DataFrame(rows, columns=["day", "arxiv_id", "key", "name"])
    table = table.astype({"day": "datetime64[s]"})
    return table.assign(month=table["day"].dt.to_period("M"))


def _trends(table: "pd.DataFrame", months: "pd.PeriodIndex", most: int) -> list[Trend]:
    if table.empty:
        return []
    known = table.groupby("month")["arxiv_id"].nunique().reindex(months, fill_value=0)
    counts = table.groupby(["month", "key"]).size().unstack(fill_value=0)
    counts = counts.reindex(months, fill_value=0)
    shares = counts.div(known, axis=0).round(4).astype(object)
    shares = shares.where(shares.notna(), None)
    names = table.drop_duplicates("key").set_index("key")["name"]
    last_year = counts.tail(YEAR_MONTHS).sum()
    active = last_year.index[last_year > 0]
    keys = sorted(active, key=lambda key: (-last_year[key], key))[:most]
    return [Trend(key=key, name=names[key], shares=shares[key].tolist()) for key in keys]


def _leaders(table: "pd.DataFrame", newest: "pd.Timestamp") -> list[Leader]:
    import pandas as pd

    def since(months: int) -> "pd.Series[int]":
        return table.loc[table["day"] > newest - pd.DateOffset(months=months), "key"].value_counts()

    names = table.drop_duplicates("key").set_index("key")["name"]
    counts = {
        "recent": since(RECENT_MONTHS),
        "year": since(YEAR_MONTHS),
        "ever": table["key"].value_counts(),
    }
    rows = pd.DataFrame(counts).fillna(0).astype(int).assign(name=names).reset_index(names="key")
    of_year = rows.sort_values(["year", "name"], ascending=[False, True]).head(LEADERS)
    recent = rows.sort_values(["recent", "name"], ascending=[False, True]).head(LEADERS)
    leaders = pd.concat([of_year, recent]).drop_duplicates("key")
    leaders = leaders.sort_values(["year", "name"], ascending=[False, True])
    return [Leader.model_validate(row) for row in leaders.to_dict("records")]


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
