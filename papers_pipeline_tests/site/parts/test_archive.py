"""The archive links to every day with papers, its ISO weeks, topics and institutions."""

from datetime import date
from pathlib import Path

import pytest

from papers_pipeline.site.catalogue import Catalogue, CatalogueDay, card_of
from papers_pipeline.site.parts.archive import CalendarWeek, archive_of
from papers_pipeline_tests.helpers.pages import (
    LANGUAGES,
    LOCALES,
    XHTML,
    elements,
    links,
    parsed,
    shown,
    text_of,
)
from papers_pipeline_tests.site.index_site import IndexSite, on

NEW_YEAR = {
    day: [on(day, f"{day:%y%m}.{day.day:05}")] for day in (date(2024, 12, 30), date(2025, 1, 2))
}


def days(*counts: tuple[date, int]) -> Catalogue:
    cards = [
        card_of(day, on(day, f"{day:%y%m}.{day.day:02}{n:03}"))
        for day, papers in counts
        for n in range(papers)
    ]
    return Catalogue([CatalogueDay(day, papers) for day, papers in counts], cards)


def papers_of(week: CalendarWeek) -> tuple[str, list[int]]:
    return week.span.path, [papers for _, papers in week.days]


def test_years_and_months_stand_newest_first_with_their_weeks_in_order():
    archive = archive_of(
        days(
            (date(2024, 12, 30), 4),
            (date(2024, 12, 31), 0),
            (date(2025, 1, 2), 5),
            (date(2025, 1, 13), 6),
        )
    )
    assert [(year.year, year.papers) for year in archive.years] == [(2025, 11), (2024, 4)]
    (january,) = archive.years[0].months
    assert [papers_of(week) for week in january.weeks] == [
        ("w/2025-W01.html", [0, 0, 0, 5, 0, 0, 0]),
        ("w/2025-W03.html", [6, 0, 0, 0, 0, 0, 0]),
    ]
    (december,) = archive.years[1].months
    assert [papers_of(week) for week in december.weeks] == [
        ("w/2025-W01.html", [4, 0, 0, 0, 0, 0, 0]),
    ]


def test_a_paper_of_two_days_counts_once_in_each_month_and_in_the_year(tmp_path: Path):
    january, february = date(2025, 1, 31), date(2025, 2, 3)
    twice, alone = "2501.00001", "2501.00002"
    site = IndexSite(tmp_path)
    site.write({january: [on(january, twice), on(january, alone)], february: [on(february, twice)]})
    captions = [text_of(caption) for caption in elements(site.read("en/archive.html"), "caption")]
    assert captions == ["February 2025 11 paper", "January 2025 22 papers"]
    assert text_of(elements(site.read("en/archive.html"), "h2")[0]) == "2025 22 papers"
    assert "<small>2</small>" in site.read("en/archive.html")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_calendar_leads_to_days_weeks_and_months(lang, tmp_path: Path):
    site = IndexSite(tmp_path)
    site.write(NEW_YEAR)
    page = site.read(f"{lang}/archive.html")
    january, december = elements(page, "table")
    assert [a.get("href") for a in january.iter(XHTML + "a")] == [
        "m/2025-01.html",
        "w/2025-W01.html",
        "d/2025-01-02.html",
    ]
    assert [text_of(cell) for cell in january.iter(XHTML + "td")] == [
        "",
        "",
        "1",
        "21",
        "3",
        "4",
        "5",
    ]
    assert [text_of(cell) for cell in december.iter(XHTML + "td")] == [
        "301",
        "31",
        "",
        "",
        "",
        "",
        "",
    ]
    (week,) = [a for a in january.iter(XHTML + "a") if a.get("aria-label")]
    assert week.get("aria-label") == LOCALES[lang].text("period.week", week=1)
    heads = [text_of(head) for head in january.iter(XHTML + "th") if head.get("scope") == "col"]
    assert heads == [LOCALES[lang].text("archive.week"), *LOCALES[lang].weekdays]
    assert LOCALES[lang].plural("papers", 2) in shown(page)


def test_every_topic_is_listed_and_the_institutions_with_most_papers(tmp_path: Path):
    day = date(2026, 3, 2)
    papers = [on(day, f"2603.{number:05}", institutions=["Large & Co"]) for number in range(3)]
    site = IndexSite(tmp_path)
    site.write({day: [*papers, on(day, "2603.00009", institutions=["Small"])]})
    page = site.read("en/archive.html")
    topics, institutions = [
        listed for listed in elements(page, "ul") if listed.get("class") == "counted"
    ]
    assert [text_of(item) for item in topics.iter(XHTML + "li")] == [
        "Reinforcement learning 4",
        "Small models 4",
    ]
    assert [(a.get("href"), text_of(a)) for a in institutions.iter(XHTML + "a")] == [
        ("i/large-co.html", "Large & Co 3")
    ]
    identifiers = {element.get("id") for element in parsed(page).iter()}
    assert {link[1:] for link in links(page) if link.startswith("#")} <= identifiers


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_archive_without_days_says_so(lang, tmp_path: Path):
    site = IndexSite(tmp_path)
    site.write({})
    assert LOCALES[lang].text("site.empty") in shown(site.read(f"{lang}/archive.html"))
