"""The last seven days in a few facts, by counting alone: votes, shares of topics, institutions."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from papers_pipeline.site.catalogue import Card, Catalogue, papers_of_each
from papers_pipeline.site.periods import DAY
from papers_pipeline.site.slugs import slug

DAYS = 7
WEEKS_BEFORE = 4
"""The week is compared with as many weeks before it, if each of them has a paper."""
FEWEST_PAPERS = 10
"""Papers with topics that the week must have before we speak of shares."""
FEWEST_OF_TOPIC = 3
LEAST_RISE = 0.01
"""The smallest growth of a topic's share that counts as a rise."""
RISING = 5
FEWEST_OF_LEADER, MOST_LEADERS = 2, 3


class Rise(BaseModel):
    """A topic that has a larger share of the week's papers than of those before.

    Shares are from 0 to 1, of papers that have topics.
    """

    model_config = ConfigDict(frozen=True)

    topic: str
    share: float
    share_before: float


class Comeback(BaseModel):
    """A topic or institution that has papers again after more than `WEEKS_BEFORE` weeks.

    `key` is the institution's slug, or the topic's name. `last` is the day of its last paper before
    the week.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["topic", "institution"]
    key: str
    papers: int
    last: date


class WeekInLines(BaseModel):
    """The week up to the newest day with a paper.

    - `average`: papers a week in the four weeks before, or None if one of them has none. Then
      `rising` and `comeback` are empty too.
    - `top`: the paper with most votes.
    - `leaders`: slugs of the institutions with most papers, and `leaders_papers` how many each has.
      Empty if more than three share the lead or it is a single paper.
    - `rising`: the topics whose share grew most, in percentage points.
    - `names`: the names of all institutions here, by slug.
    """

    model_config = ConfigDict(frozen=True)

    first: date
    last: date
    papers: int
    average: int | None = None
    top: Card
    leaders: list[str] = []
    leaders_papers: int = 0
    rising: list[Rise] = []
    comeback: Comeback | None = None
    names: dict[str, str] = {}


def week_in_lines(catalogue: Catalogue) -> WeekInLines | None:
    """The week of the newest papers; None without papers."""
    if not catalogue.cards:
        return None
    last = catalogue.cards[0].day
    first = last - (DAYS - 1) * DAY
    week = [card for card in catalogue.cards if card.day >= first]
    earlier = catalogue.cards[len(week) :]
    start_before = first - WEEKS_BEFORE * DAYS * DAY
    before = [card for card in earlier if card.day >= start_before]
    leaders, leaders_papers = _leaders(week)
    average = rising = comeback = None
    if _has_every_week(before, first):
        average = round(len(before) / WEEKS_BEFORE)
        rising = _rising(week, before)
        comeback = _comeback(week, before, earlier)
    named = [*leaders]
    if comeback and comeback.kind == "institution":
        named.append(comeback.key)
    return WeekInLines(
        first=first,
        last=last,
        papers=len(week),
        average=average,
        top=min(week, key=lambda card: (-card.upvotes, card.arxiv_id)),
        leaders=leaders,
        leaders_papers=leaders_papers,
        rising=rising or [],
        comeback=comeback,
        names={key: catalogue.institutions[key] for key in named},
    )


def _has_every_week(before: Sequence[Card], first: date) -> bool:
    weeks = {(first - card.day - DAY).days // DAYS for card in before}
    return len(weeks) == WEEKS_BEFORE


def _topics(card: Card) -> set[str]:
    return set(card.topics)


def _institutions(card: Card) -> set[str]:
    return set(map(slug, card.institutions))


def _leaders(week: Sequence[Card]) -> tuple[list[str], int]:
    counts = papers_of_each(week, _institutions)
    most = max(counts.values(), default=0)
    leaders = sorted(key for key, papers in counts.items() if papers == most)
    if most < FEWEST_OF_LEADER or len(leaders) > MOST_LEADERS:
        return [], 0
    return leaders, most


def _rising(week: Sequence[Card], before: Sequence[Card]) -> list[Rise]:
    """The topics that rise, those with the largest growth first."""
    known = sum(bool(card.topics) for card in week)
    known_before = sum(bool(card.topics) for card in before)
    if known < FEWEST_PAPERS or known_before < FEWEST_PAPERS:
        return []
    papers = papers_of_each(week, _topics)
    papers_before = papers_of_each(before, _topics)
    rising = []
    for topic, count in papers.items():
        share = count / known
        share_before = papers_before[topic] / known_before
        if count >= FEWEST_OF_TOPIC and share - share_before >= LEAST_RISE:
            rising.append(Rise(topic=topic, share=share, share_before=share_before))
    rising.sort(key=lambda rise: (rise.share_before - rise.share, rise.topic))
    return rising[:RISING]


def _comeback(
    week: Sequence[Card], before: Sequence[Card], earlier: Sequence[Card]
) -> Comeback | None:
    """The comeback with most papers; of several, the one after the longest absence."""
    comebacks = [
        *_comebacks("topic", _topics, week, before, earlier),
        *_comebacks("institution", _institutions, week, before, earlier),
    ]
    return min(comebacks, key=lambda each: (-each.papers, each.last, each.key), default=None)


def _comebacks(
    kind: Literal["topic", "institution"],
    keys: Callable[[Card], set[str]],
    week: Sequence[Card],
    before: Sequence[Card],
    earlier: Sequence[Card],
) -> Iterator[Comeback]:
    absent = papers_of_each(week, keys)
    for key in papers_of_each(before, keys):
        absent.pop(key, None)
    seen: set[str] = set()
    for card in earlier:  # newest first: the first that has the key is the last before the week
        for key in (keys(card) & absent.keys()) - seen:
            seen.add(key)
            yield Comeback(kind=kind, key=key, papers=absent[key], last=card.day)
