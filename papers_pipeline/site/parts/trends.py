"""Topics and institutions over time: the share that each had of every month's papers, and who published most lately."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict

from papers_pipeline.base.characters import excerpt
from papers_pipeline.site.catalogue import Catalogue, digest, slug
from papers_pipeline.site.drawing import plots
from papers_pipeline.site.page import Page
from papers_pipeline.site.render import Renderer, printable
from papers_pipeline.text.locales import Locale

if TYPE_CHECKING:
    import pandas as pd

    from papers_pipeline.site.issue_reader import Issues

PATH = "trends.html"
TOPICS, INSTITUTIONS = 12, 6
"""So many are followed over time: those with most papers in the last year."""
LEADERS = 10
RECENT_MONTHS, YEAR_MONTHS = 3, 12
LONGEST_NAME = 46
"""Characters that fit above a bar."""


class Trend(BaseModel):
    """A topic or an institution: its key in addresses, its name in the lake or as printed, and its share of the papers
    of each month, from 0 to 1; None for a month without papers."""

    model_config = ConfigDict(frozen=True)

    key: str
    name: str
    shares: list[float | None]


class Leader(BaseModel):
    """How many papers an institution has: of the last 3 months, of the last 12, up to the newest day, and in all."""

    model_config = ConfigDict(frozen=True)

    key: str
    name: str
    recent: int
    year: int
    ever: int


class Trends(BaseModel):
    """What the page shows. ``months`` are all from the first to the last, by their first days, ``papers`` how many each
    has; ``leaders`` are those of the last 3 or 12 months, by the papers of 12."""

    model_config = ConfigDict(frozen=True)

    months: list[date] = []
    papers: list[int] = []
    topics: list[Trend] = []
    institutions: list[Trend] = []
    leaders: list[Leader] = []

    @property
    def recent(self) -> list[Leader]:
        """The institutions with most papers in the last 3 months."""
        return sorted(
            (it for it in self.leaders if it.recent), key=lambda it: (-it.recent, it.name)
        )[:LEADERS]

    @property
    def year(self) -> list[Leader]:
        """The institutions with most papers in the last 12 months."""
        return self.leaders[:LEADERS]


def trends_of(catalogue: Catalogue) -> Trends:
    """The trends of all papers. A topic's share is that of the papers that have topics, an institution's that of those
    whose institutions are known: what was not asked yet makes nothing fall."""
    if not catalogue.cards:
        return Trends()
    import pandas as pd  # half a second that only the build of the site needs

    newest, oldest = catalogue.cards[0].day, catalogue.cards[-1].day
    months = pd.period_range(oldest, newest, freq="M")
    papers = (
        _table((card.day, card.arxiv_id, "", "") for card in catalogue.cards)
        .groupby("month")
        .size()
    )
    topics = _table(
        (card.day, card.arxiv_id, name.lower(), name)
        for card in catalogue.cards
        for name in set(card.topics)
    )
    institutions = _table(
        (card.day, card.arxiv_id, key, name)
        for card in catalogue.cards
        for key, name in {slug(name): name for name in card.institutions}.items()
    )
    return Trends(
        months=[month.start_time.date() for month in months],
        papers=papers.reindex(months, fill_value=0).tolist(),
        topics=_trends(topics, months, TOPICS),
        institutions=_trends(institutions, months, INSTITUTIONS),
        leaders=_leaders(institutions, pd.Timestamp(newest)),
    )


def trend_pages(renderer: Renderer, catalogue: Catalogue, issues: "Issues") -> Iterator[Page]:
    """The page of trends in each language."""
    trends = trends_of(catalogue)
    fingerprint = digest(trends.model_dump(mode="json"))
    for language in renderer.languages:
        yield Page(f"{language}/{PATH}", fingerprint, partial(_page, renderer, language, trends))


def _table(rows: Iterable[tuple[date, str, str, str]]) -> "pd.DataFrame":
    """A row a paper and a topic or institution of it, newest first."""
    import pandas as pd

    table = pd.DataFrame(rows, columns=["day", "id", "key", "name"]).astype(
        {"day": "datetime64[s]"}
    )
    return table.assign(month=table["day"].dt.to_period("M"))


def _trends(table: "pd.DataFrame", months: "pd.PeriodIndex", most: int) -> list[Trend]:
    if table.empty:
        return []
    known = table.groupby("month")["id"].nunique().reindex(months, fill_value=0)
    counts = (
        table.groupby(["month", "key"]).size().unstack(fill_value=0).reindex(months, fill_value=0)
    )
    shares = counts.div(known, axis=0).round(4).astype(object)
    shares = shares.where(shares.notna(), None)
    names = table.drop_duplicates("key").set_index("key")["name"]
    lately = counts.tail(YEAR_MONTHS).sum()
    keys = sorted(lately.index[lately > 0], key=lambda key: (-lately[key], key))[:most]
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
    most = [
        rows.sort_values([of, "name"], ascending=[False, True]).head(LEADERS)
        for of in ("year", "recent")
    ]
    found = (
        pd.concat(most)
        .drop_duplicates("key")
        .sort_values(["year", "name"], ascending=[False, True])
    )
    return [Leader.model_validate(row) for row in found.to_dict("records")]


def _page(renderer: Renderer, language: str, trends: Trends) -> bytes:
    locale = renderer.locales[language]
    page = renderer.page(
        "trends.html.j2",
        language,
        PATH,
        trends=trends,
        line=partial(_line, locale, trends),
        bars=partial(_bars, locale),
    )
    return page.encode()


def _line(locale: Locale, trends: Trends, of: Sequence[Trend], trend: Trend, name: str) -> Markup:
    """The plot of one of several trends, which share their scale."""
    known = [
        (share, month)
        for share, month in zip(trend.shares, trends.months, strict=True)
        if share is not None
    ]
    (first, last), most = (known[0], known[-1]), max(known)
    description = locale.text(
        "trends.line",
        **{
            f"{end}_share": locale.percent(share)
            for end, (share, _) in zip(_ENDS, (first, last, most), strict=True)
        },
        **{
            f"{end}_month": locale.month(month)
            for end, (_, month) in zip(_ENDS, (first, last, most), strict=True)
        },
    )
    highest = max(share for it in of for share in it.shares if share is not None)
    step = 0.1 if highest > 0.2 else 0.02
    return plots.line(
        name,
        description,
        trend.shares,
        (locale.short_month(trends.months[0]), locale.short_month(trends.months[-1])),
        ceil(highest / step) * step,
        locale.percent,
    )


def _bars(
    locale: Locale, title: str, leaders: Sequence[Leader], of: Literal["recent", "year"]
) -> Markup:
    """The plot of how many papers the institutions have."""
    rows = [(str(printable(it.name)), getattr(it, of)) for it in leaders]  # as XML allows
    description = locale.text(
        "trends.bars", list="; ".join(f"{name}: {number}" for name, number in rows)
    )
    return plots.bars(
        title, description, [(excerpt(name, LONGEST_NAME), number) for name, number in rows]
    )


_ENDS = ("first", "last", "most")
