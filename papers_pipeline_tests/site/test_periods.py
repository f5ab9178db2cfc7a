"""Months and weeks: their days, their papers in one list, and their pages."""

from datetime import date, timedelta

import pytest
from upath import UPath

from papers_pipeline.records import DailyIssue, IssueCounts, IssuePaper, IssueText, PeriodFile
from papers_pipeline.site.periods import (
    Neighbours,
    Period,
    Span,
    affected_periods,
    month_of,
    neighbours_of,
    period_of,
    week_of,
)
from papers_pipeline.store.files import write
from papers_pipeline.store.lake import Lake, encode
from papers_pipeline_tests.helpers.pages import (
    HOSTILE,
    LANGUAGES,
    LOCALES,
    XHTML,
    elements,
    every_case,
    issue,
    links,
    paper,
    parsed,
    renderer,
    shown,
    shown_as,
    text_of,
)

MONTH, WEEK = Span("month", date(2026, 3, 1)), Span("week", date(2026, 3, 2))
LATER = date(2026, 6, 1)
ONE, TWO, THREE = (date(2026, 3, day) for day in (2, 3, 4))


def day(when: date, *papers: IssuePaper) -> DailyIssue:
    return issue(*papers).model_copy(update={"date": when})


def listed(arxiv_id: str, slogan: str = "A slogan", **changes) -> IssuePaper:
    text = IssueText(state="done", source="model", title=slogan, text="Text.")
    return paper(arxiv_id, summaries=dict.fromkeys(LANGUAGES, text), **changes)


def ids(period: Period) -> list[str]:
    return [paper.arxiv_id for paper in period.papers]


def test_a_month_runs_from_its_first_day_to_its_last():
    assert [month_of(date(2024, 2, day)) for day in (1, 17, 29)] == [
        Span("month", date(2024, 2, 1))
    ] * 3
    assert month_of(date(2024, 2, 17)).last == date(2024, 2, 29)
    assert month_of(date(2026, 12, 31)).last == date(2026, 12, 31)
    assert month_of(date(2026, 9, 30)).path == "m/2026-09.html"


@pytest.mark.parametrize(
    ("day", "monday", "path"),
    [
        (date(2026, 3, 8), date(2026, 3, 2), "w/2026-W10.html"),
        (date(2026, 12, 28), date(2026, 12, 28), "w/2026-W53.html"),
        (date(2027, 1, 3), date(2026, 12, 28), "w/2026-W53.html"),
        (date(2027, 1, 4), date(2027, 1, 4), "w/2027-W01.html"),
        (date(2024, 12, 30), date(2024, 12, 30), "w/2025-W01.html"),
    ],
)
def test_a_week_is_iso_from_monday_to_sunday(day, monday, path):
    span = week_of(day)
    assert (span.first, span.last, span.path) == (monday, monday + timedelta(days=6), path)


def test_a_paper_on_two_days_is_listed_once_with_the_latest_text_and_the_most_votes():
    first, second = listed("2603.00001", "Old", upvotes=90), listed("2603.00001", "New", upvotes=40)
    period = period_of(
        WEEK, [day(THREE, second), day(ONE, first), day(TWO, listed("2603.00002"))], LATER
    )
    assert ids(period) == ["2603.00001", "2603.00002"]
    top = period.papers[0]
    assert (top.day, top.upvotes, top.slogans["en"]) == (THREE, 90, "New")


def test_papers_stand_by_votes_and_then_by_id():
    papers = [
        listed("2603.00003", upvotes=5),
        listed("2603.00001", upvotes=5),
        listed("2603.00002", upvotes=9),
    ]
    period = period_of(MONTH, [day(ONE, *papers[:1]), day(TWO, *papers[1:])], LATER)
    assert ids(period) == ["2603.00002", "2603.00001", "2603.00003"]


def test_a_paper_that_moved_counts_at_the_day_that_has_it_now():
    left = listed("2603.00001", "Old", status="gone", moved_to=THREE, upvotes=50)
    assert (
        period_of(WEEK, [day(ONE, left), day(THREE, listed("2603.00001", "New"))], LATER)
        .papers[0]
        .day
        == THREE
    )
    away = listed("2603.00001", status="gone", moved_to=date(2026, 4, 1))
    assert ids(period_of(MONTH, [day(ONE, away, listed("2603.00002"))], LATER)) == ["2603.00002"]


def test_a_paper_that_is_gone_unexplained_or_withdrawn_stays():
    papers = [listed("2603.00001", status="gone"), listed("2603.00002", status="withdrawn")]
    assert ids(period_of(MONTH, [day(ONE, *papers)], LATER)) == ["2603.00001", "2603.00002"]


def test_a_day_that_lists_a_paper_goes_before_a_later_one_that_lost_it():
    period = period_of(
        MONTH,
        [day(ONE, listed("2603.00001")), day(TWO, listed("2603.00001", status="gone"))],
        LATER,
    )
    assert [(paper.day, paper.status) for paper in period.papers] == [(ONE, "listed")]


def test_a_period_is_open_until_its_last_day_is_over():
    issues = [day(ONE, listed("2603.00001"))]
    assert period_of(WEEK, issues, date(2026, 3, 8)).is_open
    assert not period_of(WEEK, issues, date(2026, 3, 9)).is_open
    assert period_of(MONTH, issues, date(2026, 3, 31)).is_open
    assert not period_of(MONTH, issues, date(2026, 4, 1)).is_open


def test_days_are_grouped_by_week_and_a_week_knows_its_months():
    issues = [day(date(2026, 3, number), listed("2603.00001")) for number in (31, 2, 6, 9)] + [
        day(date(2026, 3, 7))
    ]
    period = period_of(MONTH, issues, LATER)
    assert [(week.week, [day.date.day for day in days]) for week, days in period.weeks] == [
        (10, [2, 6]),
        (11, [9]),
        (14, [31]),
    ]
    turn = [day(date(2026, 3, 31), listed("2603.00001")), day(date(2026, 4, 1))]
    assert period_of(week_of(date(2026, 4, 1)), turn, LATER).months == [
        MONTH,
        month_of(date(2026, 4, 1)),
    ]


def full_month() -> Period:
    days = [date(2026, 3, number) for number in range(2, 31, 2)]
    papers = [listed(f"2603.{number:05}", upvotes=number % 97) for number in range(800)]
    return period_of(MONTH, [day(when, *papers[n::15]) for n, when in enumerate(days)], LATER)


def test_a_page_holds_all_of_eight_hundred_papers_in_short():
    page = renderer().period_page(full_month(), "ru")
    articles = elements(page, "article")
    assert [article.get("data-arxiv-id") for article in articles] == ids(full_month())
    assert len(articles) == 800
    assert "800 статей" in shown(page)
    assert len(page.encode()) < 1_200_000


def all_cases(**changes) -> Period:
    """A month with a paper in each state that a page can show."""
    beside = Neighbours(month_of(date(2025, 1, 1)), month_of(date(2025, 4, 1)))
    return period_of(
        month_of(date(2025, 2, 6)), [every_case()], changes.get("today", LATER), beside
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_are_valid_html_in_their_language(lang):
    pages = renderer("https://digest.example/papers")
    turn = week_of(date(2027, 1, 1))
    hostile = paper(
        title=HOSTILE,
        institutions=[HOSTILE] * 6,
        emoji=HOSTILE,
        url="javascript:alert(1)",
        summaries={lang: IssueText(state="done", source="model", title=HOSTILE, text=HOSTILE)},
    )
    for page in (
        pages.period_page(all_cases(), lang),
        pages.period_page(all_cases(today=date(2025, 2, 7)), lang),
        pages.period_page(period_of(turn, [day(date(2027, 1, 1), hostile)], LATER), lang),
        pages.period_page(period_of(turn, [day(date(2027, 1, 2))], LATER), lang),
    ):
        (html,) = elements(page, "html")
        assert html.get("lang") == LOCALES[lang].html
        assert len(elements(page, "h1")) == 1
        assert [script.get("src") for script in elements(page, "script")] == [
            "../../static/site.js",
            "../../static/kept.js",
        ]
        assert [link for link in links(page) if link.startswith("javascript")] == []
        identifiers = [element.get("id") for element in parsed(page).iter() if element.get("id")]
        assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize(
    ("lang", "month", "week"),
    [
        ("ru", "Сентябрь 2026", "53-я неделя 2026 года"),
        ("en", "September 2026", "Week 53 of 2026"),
        ("zh", "2026年9月", "2026年第53周"),
    ],
)
def test_months_and_weeks_are_named_in_the_language(lang, month, week):
    pages = renderer()
    named = [
        pages.period_page(period_of(span, [day(span.first, paper())], LATER), lang)
        for span in (month_of(date(2026, 9, 1)), week_of(date(2027, 1, 1)))
    ]
    assert [text_of(elements(page, "h1")[0]) for page in named] == [month, week]
    site = LOCALES[lang].text("site.name")
    assert [text_of(elements(page, "title")[0]) for page in named] == [
        f"{month} · {site}",
        f"{week} · {site}",
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_paper_is_shown_in_short_and_leads_to_its_article_and_to_arxiv(lang):
    two = listed(
        "2603.00001", "A slogan", institutions=[f"Institute {n}" for n in range(1, 8)], upvotes=21
    )
    page = renderer().period_page(period_of(WEEK, [day(TWO, two)], LATER), lang)
    (article,) = elements(page, "article")
    assert [a.get("href") for a in article.iter(XHTML + "a")] == [
        "../p/2603.00001.html",
        "../d/2026-03-03.html",
        "https://arxiv.org/abs/2603.00001",
        "../t/rl.html",
        "../t/small_models.html",
    ]
    words, locale = text_of(article), LOCALES[lang]
    for said in (
        "🌉 A slogan",
        "Sensor Bridges Foresee Gusts",
        f"Institute 4 {locale.plural('more_institutions', 3)}",
        "▲ 21",
        locale.plural("votes", 21),
        shown_as(locale.day(TWO)),
        locale.topic("small_models"),
    ):
        assert said in words
    assert "Institute 5" not in words
    assert "Text." not in words
    assert "We instrument" not in words
    assert article.get("data-topics") == "rl small_models"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_lead_to_their_days_weeks_and_months_and_to_their_neighbours(lang):
    beside = Neighbours(month_of(date(2026, 1, 1)), month_of(date(2026, 4, 1)))
    page = renderer().period_page(
        period_of(MONTH, [day(ONE, paper()), day(date(2026, 3, 7))], LATER, beside), lang
    )
    (calendar,) = [nav for nav in elements(page, "nav") if nav.get("class") == "calendar"]
    assert [a.get("href") for a in calendar.iter(XHTML + "a")] == [
        f"../../{lang}/w/2026-W10.html",
        f"../../{lang}/d/2026-03-02.html",
    ]
    assert [(link.get("rel"), link.get("href")) for link in elements(page, "link")][-2:] == [
        ("prev", f"../../{lang}/m/2026-01.html"),
        ("next", f"../../{lang}/m/2026-04.html"),
    ]
    assert f"../../{lang}/m/2026-03.html" in links(
        renderer().period_page(period_of(WEEK, [day(ONE, paper())], LATER), lang)
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_current_month_and_week_say_that_they_are_not_over(lang):
    for span in (MONTH, WEEK):
        said = LOCALES[lang].text(f"period.open_{span.kind}")
        issues = [day(ONE, paper())]
        assert said in shown(renderer().period_page(period_of(span, issues, THREE), lang))
        assert said not in shown(renderer().period_page(period_of(span, issues, LATER), lang))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_fates_are_marked_on_the_pages_of_a_month(lang):
    marks = [
        text_of(paragraph)
        for paragraph in elements(renderer().period_page(all_cases(), lang), "p")
        if paragraph.get("class") == "mark"
    ]
    locale = LOCALES[lang]
    assert marks == [
        shown_as(locale.text("paper.withdrawn", date=locale.short_date(date(2025, 2, 6)))),
        shown_as(locale.text("paper.gone")),
    ]


def stored(lake: Lake, when: date, *papers: IssuePaper) -> None:
    record = day(when, *papers).model_copy(update={"counts": IssueCounts(papers=len(papers))})
    write(lake.path("daily_issue", str(when)), encode([record], DailyIssue))


def written(lake: Lake, span: Span, *, is_open: bool = False) -> None:
    """Store the rows that the run of a month stores."""
    beside = neighbours_of(lake, span)
    first, last = (span.first if span else None for span in (beside.previous, beside.next))
    row = PeriodFile(
        path=f"en/{span.path}", sha256="0", bytes=0, previous=first, next=last, is_open=is_open
    )
    write(lake.path("monthly_pages", str(span.first)), encode([row], PeriodFile))


def test_neighbours_are_the_nearest_months_and_weeks_with_papers(tmp_path):
    lake = Lake(UPath(tmp_path))
    for when in (date(2025, 11, 5), date(2026, 3, 2), date(2026, 3, 30)):
        stored(lake, when, paper())
    stored(lake, date(2026, 2, 7))
    stored(lake, date(2026, 4, 4))
    assert neighbours_of(lake, MONTH) == Neighbours(month_of(date(2025, 11, 1)), None)
    assert neighbours_of(lake, WEEK) == Neighbours(
        week_of(date(2025, 11, 5)), week_of(date(2026, 3, 30))
    )


def test_a_month_that_appears_touches_those_beside_it_and_no_others(tmp_path):
    lake = Lake(UPath(tmp_path))
    months = [month_of(date(2026, number, 1)) for number in (1, 2, 3, 4)]
    for span in (*months[:2], months[3]):
        stored(lake, span.first, paper())
    assert affected_periods(lake, "month", [months[0].first], LATER) == [*months[:2], months[3]]
    for span in (*months[:2], months[3]):
        written(lake, span)
    assert affected_periods(lake, "month", [date(2026, 2, 20), date(2026, 2, 21)], LATER) == [
        months[1]
    ]
    stored(lake, date(2026, 3, 10), paper())
    assert affected_periods(lake, "month", [date(2026, 3, 10)], LATER) == months[1:]


def test_a_month_that_was_left_open_is_touched_once_it_is_over(tmp_path):
    lake = Lake(UPath(tmp_path))
    february, april = month_of(date(2026, 2, 1)), month_of(date(2026, 4, 1))
    for span in (february, MONTH, april):
        stored(lake, span.first, paper())
    written(lake, february)
    written(lake, MONTH, is_open=True)
    written(lake, april, is_open=True)
    assert affected_periods(lake, "month", [], MONTH.last) == []
    assert affected_periods(lake, "month", [date(2026, 4, 2)], date(2026, 4, 2)) == [MONTH, april]
    written(lake, MONTH)
    assert affected_periods(lake, "month", [date(2026, 4, 2)], date(2026, 4, 2)) == [april]
