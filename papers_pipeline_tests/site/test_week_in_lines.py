"""The front page: the week in lines, by counting alone, the topics that rise, the day's leaders."""

import gzip
from datetime import date, timedelta
from itertools import count

import pytest

from papers_pipeline.records import IssueTopics
from papers_pipeline.site.catalogue import Card, Catalogue, CatalogueDay
from papers_pipeline.site.week_in_lines import WeekInLines, week_in_lines
from papers_pipeline_tests.helpers.pages import (
    LANGUAGES,
    SEEN,
    XHTML,
    elements,
    issue,
    links,
    paper,
    renderer,
    shown,
    text_of,
)
from papers_pipeline_tests.site.index_site import IndexSite, everywhere, on

LAST = date(2026, 3, 8)
NUMBERS = count(1)


def ago(days: int) -> date:
    return LAST - timedelta(days=days)


def cards(
    number: int,
    day: date,
    topics: tuple[str, ...] = ("rl",),
    institutions: tuple[str, ...] = (),
    upvotes: int = 0,
) -> list[Card]:
    """So many papers of a day."""
    made = []
    for _ in range(number):
        card = Card(
            arxiv_id=f"2603.{next(NUMBERS):05}",
            day=day,
            title="Bridges",
            listed_at=SEEN,
            topics=topics,
            institutions=institutions,
            upvotes=upvotes,
        )
        made.append(card)
    return made


def week(*groups: list[Card]) -> WeekInLines:
    every = [card for group in groups for card in group]
    days = sorted({card.day for card in every})
    made = week_in_lines(Catalogue([CatalogueDay(day, 1) for day in days], every))
    assert made is not None
    return made


def four_weeks(topics: tuple[str, ...] = ("rl",)) -> list[Card]:
    """Twenty papers, five in each of the four weeks before."""
    made = []
    for days in (7, 14, 21, 34):
        made += cards(5, ago(days), topics)
    return made


def test_the_week_is_the_seven_days_up_to_the_newest_paper():
    made = week(cards(2, LAST), cards(3, ago(6)), four_weeks())
    assert (made.first, made.last) == (date(2026, 3, 2), LAST)
    assert (made.papers, made.average) == (5, 5)


def test_without_papers_there_is_no_week():
    assert week_in_lines(Catalogue([], [])) is None


def test_a_week_is_compared_only_with_four_weeks_that_all_have_papers():
    three = cards(9, ago(7)) + cards(9, ago(14)) + cards(9, ago(21))
    made = week(cards(12, LAST, ("agents",)), three, cards(9, ago(35)))
    assert (made.average, made.rising, made.comeback) == (None, [], None)


def test_the_paper_with_most_votes_of_the_whole_week_is_named():
    best = cards(1, ago(3), upvotes=90)
    assert week(cards(4, LAST, upvotes=50), best).top == best[0]


def test_rises_are_in_percentage_points_of_the_papers_that_have_topics():
    made = week(
        cards(7, LAST, ("agents", "rl")),
        cards(3, LAST, ("audio",)),
        cards(5, LAST, ()),
        four_weeks(("rl", "video")),
        cards(5, ago(8), ("agents",)),
    )
    shares = [(rise.topic, rise.share, rise.share_before) for rise in made.rising]
    assert shares == [("agents", 0.7, 0.2), ("audio", 0.3, 0.0)]


def test_two_papers_are_no_rise_and_nine_papers_no_week_to_speak_of():
    few = week(cards(2, LAST, ("audio",)), cards(9, LAST, ("rl",)), four_weeks())
    assert few.rising == []
    assert week(cards(9, LAST, ("audio",)), four_weeks()).rising == []


def test_leaders_are_counted_by_paper_whatever_the_spelling():
    made = week(
        cards(2, LAST, institutions=("École Sample", "Ecole Sample")),
        cards(1, LAST, institutions=("Ecole Sample",)),
        cards(2, ago(2), institutions=("Example Lab",)),
    )
    assert (made.leaders, made.leaders_papers) == (["ecole-sample"], 3)
    assert made.names["ecole-sample"] in ("École Sample", "Ecole Sample")


def test_up_to_three_institutions_share_the_lead_and_one_paper_leads_nothing():
    both = cards(2, LAST, institutions=("A Lab", "B Lab"))
    assert week(both).leaders == ["a-lab", "b-lab"]
    assert week(both, cards(2, LAST, institutions=("C Lab", "D Lab"))).leaders == []
    assert week(cards(1, LAST, institutions=("A Lab",))).leaders == []


def test_what_was_absent_for_four_weeks_comes_back():
    made = week(
        cards(2, LAST, ("audio",), ("Old Lab",)),
        cards(1, LAST, ("games",), ("New Lab",)),
        four_weeks(),
        cards(1, ago(60), ("audio",)),
        cards(1, ago(40), ("games",), ("Old Lab",)),
        cards(1, ago(90), ("audio",)),
    )
    assert made.comeback is not None
    assert made.comeback.model_dump() == {
        "kind": "topic",
        "key": "audio",
        "papers": 2,
        "last": ago(60),
    }


def test_what_is_new_does_not_come_back():
    assert week(cards(3, LAST, ("audio",), ("New Lab",)), four_weeks()).comeback is None


FULL = (
    cards(6, LAST, ("agents",), ("Example Lab",), upvotes=7),
    cards(4, LAST, ("audio",)),
    four_weeks(),
    cards(1, ago(50), (), ("Example Lab",)),
)


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "en",
            [
                "10 papers in seven days; the four weeks before had 5 a week on average.",
                "Most votes: Bridges (7 votes on Hugging Face).",
                "The topic that grew most: Agents, 60% of papers,"
                " up from 0% in the four weeks before.",
                "The institution with the most papers: Example Lab (6 papers).",
                "Back for the first time since Jan 17, 2026: Example Lab (6 papers).",
            ],
        ),
        (
            "ru",
            [
                "10 статей за семь дней; в предыдущие четыре недели было в среднем по 5 в неделю.",
                "Больше всего голосов: Bridges (7 голосов на Hugging Face).",
                "Сильнее всего выросла тема «Агенты»: 60 % статей,"
                " а в предыдущие четыре недели — 0 %.",
                "Больше всего статей: Example Lab (6 статей).",
                "Впервые с 17 янв. 2026 г. снова в списке: Example Lab (6 статей).",
            ],
        ),
        (
            "zh",
            [
                "七天共有 10 篇论文；此前四周平均每周 5 篇。",
                "得票最多：Bridges（在 Hugging Face 上获得 7 票）。",
                "升幅最大的主题：智能体，占论文的 60%，此前四周为 0%。",
                "论文最多的机构：Example Lab（6 篇论文）。",
                "自 2026年1月17日以来首次重现：Example Lab（6 篇论文）。",
            ],
        ),
    ],
)
def test_the_week_is_five_lines_in_each_language(lang, lines):
    page = renderer().language_index(issue(paper()), lang, week(*FULL))
    (shown_lines,) = [each for each in elements(page, "ul") if each.get("class") == "lines"]
    assert [text_of(line) for line in shown_lines.iter(XHTML + "li")] == lines
    assert {f"../{lang}/t/agents.html", f"../{lang}/i/example-lab.html"} <= set(links(page))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_front_page_shows_the_leaders_of_the_day_with_thumbnails_that_load_late(lang):
    picture = "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/a.png"
    papers = [paper(f"2502.0000{number}", thumbnail=picture) for number in range(1, 5)]
    page = renderer().language_index(issue(*papers), lang)
    (top,) = [each for each in elements(page, "ol") if each.get("class") == "top"]
    hrefs = [link.get("href") for link in top.iter(XHTML + "a")]
    assert hrefs == [f"../{lang}/p/2502.0000{number}.html" for number in (1, 2, 3)]
    assert {image.get("loading") for image in top.iter(XHTML + "img")} == {"lazy"}
    assert f"../{lang}/archive.html" in links(page)


def test_a_day_of_three_papers_and_its_own_page_have_no_leaders():
    papers = [paper(f"2502.0000{number}") for number in range(1, 5)]
    for page in (
        renderer().language_index(issue(*papers[:3]), "en"),
        renderer().day_page(issue(*papers), "en"),
    ):
        assert "Most votes of the day" not in shown(page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_front_page_of_fifty_papers_stays_light(lang):
    topics = IssueTopics(names=["rl", "agents", "small_models"], source="model")
    papers = []
    for number in range(50):
        names = [f"Institute {number} of Invented Bridges", "Example Lab"]
        papers.append(paper(f"2502.{number:05}", topics=topics, institutions=names))
    page = renderer().language_index(issue(*papers), lang, week(*FULL))
    assert len(gzip.compress(page.encode())) < 60_000


def test_a_vote_of_another_day_of_the_week_makes_the_front_pages_anew(tmp_path):
    site = IndexSite(tmp_path)
    days = {ago(1): [on(ago(1), "2603.00001")], LAST: [on(LAST, "2603.00002")]}
    site.write(days)
    assert site.write(days) == set()
    days[ago(1)] = [on(ago(1), "2603.00001", upvotes=400)]
    assert everywhere("index.html") <= site.write(days)
