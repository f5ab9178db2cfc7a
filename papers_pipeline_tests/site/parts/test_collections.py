"""Pages of topics, institutions and authors: the newest papers, made again only if changed."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from papers_pipeline.records import IssueAuthor, IssueText, IssueTopics
from papers_pipeline.site.catalogue import Catalogue, CatalogueDay, card_of
from papers_pipeline.site.parts.collections import (
    NEWEST,
    collection_page,
    institutions_of,
    topics_of,
)
from papers_pipeline.site.periods import month_of
from papers_pipeline.site.writer import Site
from papers_pipeline_tests.helpers.pages import (
    HOSTILE,
    LANGUAGES,
    LOCALES,
    XHTML,
    elements,
    links,
    paper,
    parsed,
    renderer,
    shown,
    shown_as,
    text_of,
)
from papers_pipeline_tests.site.index_site import URL, IndexSite, everywhere, on

ONE, TWO = date(2025, 12, 31), date(2026, 1, 2)
CHANNELS = {
    "telegram": "https://t.me/papers_{language}",
    "email": "mailto:digest-{language}@example.org",
}
BRIDGES = "i/institute-of-invented-bridges.html"


def about(*topics: str) -> IssueTopics:
    return IssueTopics(names=list(topics), source="model")


def catalogue(papers: int) -> Catalogue:
    """Papers of one topic and one institution, one a day."""
    days = [ONE + timedelta(days=number) for number in range(papers)]
    cards = [
        card_of(day, on(day, f"2512.{number:05}", topics=about("cv")))
        for number, day in enumerate(days)
    ]
    return Catalogue([CatalogueDay(day, 1) for day in days], cards)


def test_topics_and_institutions_have_a_page_in_every_language(tmp_path: Path):
    site = IndexSite(tmp_path)
    made = site.write(
        {
            ONE: [
                on(ONE, "2512.00001"),
                on(ONE, "2512.00002", institutions=["ETH Zürich", "清华大学"]),
            ]
        }
    )
    shelves = {path for path in made if path.split("/")[1:2] in (["t"], ["i"])}
    chinese = [path for path in shelves if path.startswith("en/i/") and "-" not in path]
    assert len(chinese) == 1
    assert shelves == everywhere(
        "t/rl.html", "t/small_models.html", BRIDGES, "i/eth-zurich.html", chinese[0][3:]
    )
    assert text_of(elements(site.read("en/i/eth-zurich.html"), "h1")[0]) == "ETH Zürich"
    assert [
        text_of(elements(site.read(f"{lang}/t/small_models.html"), "h1")[0]) for lang in LANGUAGES
    ] == [
        "Малые модели",
        "Small models",
        "小模型",
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_paper_leads_to_its_page_its_day_and_its_topics(lang, tmp_path: Path):
    site = IndexSite(tmp_path)
    site.write({ONE: [on(ONE, "2512.00001")], TWO: [on(TWO, "2601.00001")]})
    first, second = elements(site.read(f"{lang}/{BRIDGES}"), "article")
    assert [article.get("data-arxiv-id") for article in (first, second)] == [
        "2601.00001",
        "2512.00001",
    ]
    assert [a.get("href") for a in second.iter(XHTML + "a")] == [
        "../p/2512.00001.html",
        "../d/2025-12-31.html",
        "https://arxiv.org/abs/2512.00001",
        "../t/rl.html",
        "../t/small_models.html",
    ]
    assert shown_as(LOCALES[lang].short_date(ONE)) in text_of(second)


def test_a_page_shows_the_newest_papers_and_counts_all_by_month():
    (topic,), (institution,) = (
        find(catalogue(NEWEST + 3)) for find in (topics_of, institutions_of)
    )
    assert [card.arxiv_id for card in topic.newest] == [
        f"2512.{number:05}" for number in range(NEWEST + 2, 2, -1)
    ]
    assert topic.months[-2:] == [(month_of(TWO), 31), (month_of(ONE), 1)]
    assert sum(count for _, count in topic.months) == NEWEST + 3
    assert institution.months == topic.months
    page = collection_page(renderer(), "en", topic, {})
    assert "The newest 200 papers are shown here." in shown(page)
    assert "203 papers" in shown(page)
    assert "../m/2025-12.html" in links(page)
    assert len(elements(page, "article")) == NEWEST


def test_months_of_an_institution_are_not_named_where_all_its_papers_are_shown():
    (institution,) = institutions_of(catalogue(NEWEST))
    assert institution.months == []
    assert topics_of(catalogue(NEWEST))[0].months != []


def test_a_page_of_an_institution_with_few_papers_is_light(tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    days = {ONE: [on(ONE, f"2512.{number:05}") for number in range(3)]}
    site.write(days)
    assert max(len(site.read(f"{lang}/{BRIDGES}").encode()) for lang in LANGUAGES) < 10_000


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_are_valid_html_whatever_a_feed_holds(lang, tmp_path: Path):
    text = IssueText(state="done", source="model", title=HOSTILE, text=HOSTILE)
    hostile = on(
        ONE,
        "2512.00002",
        title=HOSTILE,
        institutions=[HOSTILE],
        emoji=HOSTILE,
        summaries={lang: text},
    )
    fates = [
        on(ONE, "2512.00003", status="withdrawn"),
        on(ONE, "2512.00004", status="gone", summaries={}),
    ]
    site = IndexSite(tmp_path, URL)
    site.write({ONE: [on(ONE, "2512.00001"), hostile, *fates]})
    pages = [
        path
        for path in site.files
        if path.startswith((f"{lang}/t/", f"{lang}/i/", f"{lang}/a/")) and path.endswith(".html")
    ]
    assert len(pages) == 6
    for page in map(site.read, pages):
        (html,) = elements(page, "html")
        assert html.get("lang") == LOCALES[lang].html
        assert [script.get("src") for script in elements(page, "script")] == [
            "../../static/site.js",
            "../../static/kept.js",
        ]
        assert [element.tag for element in parsed(page).iter() if element.get("style")] == []
        inside = [
            link for link in links(page) if not link.startswith(("https://arxiv.org/abs/", URL))
        ]
        assert [link for link in inside if ":" in link or link.startswith("/")] == []


@pytest.mark.parametrize("stem", ["t/rl", "i/institute-of-invented-bridges", "a/bo-sample"])
def test_a_page_leads_to_its_feeds_only_where_there_are_any(stem: str, tmp_path: Path):
    days = {ONE: [on(ONE, "2512.00001"), on(ONE, "2512.00002")]}
    name = stem.split("/")[1]
    for url, feeds in ((None, 0), (URL, 2)):  # one in the head, one in the text
        site = IndexSite(tmp_path / str(feeds), url)
        site.write(days)
        for ending in ("xml", "json"):
            assert links(site.read(f"en/{stem}.html")).count(f"{name}.{ending}") == feeds
            assert (site.folder / "site" / "en" / f"{stem}.{ending}").exists() == bool(feeds)


def follow_lines(page: str) -> list[str]:
    return [text_of(line) for line in elements(page, "p") if line.get("class") == "follow"]


def test_the_digest_can_be_followed_where_the_operator_says(tmp_path: Path):
    days = {ONE: [on(ONE, "2512.00001")]}
    site = IndexSite(tmp_path, URL)
    site.write(days)
    assert follow_lines(site.read("en/t/rl.html")) == ["Follow: Atom JSON Feed"]

    site.site = Site(site.site.root, renderer(URL, follow=CHANNELS))
    assert {"en/t/rl.html", f"zh/{BRIDGES}"} <= site.write(days)
    page = site.read("en/t/rl.html")
    assert follow_lines(page) == [
        "Follow: Atom JSON Feed the whole digest on Telegram the whole digest by e-mail"
    ]
    assert "https://t.me/papers_en" in links(page)
    assert "mailto:digest-zh@example.org" in links(site.read(f"zh/{BRIDGES}"))

    nowhere = IndexSite(tmp_path / "nowhere")
    nowhere.write(days)
    assert follow_lines(nowhere.read("en/t/rl.html")) == []


def by(*names: str) -> list[IssueAuthor]:
    return [IssueAuthor(name=name) for name in names]


def test_an_author_with_two_papers_has_a_page_that_says_how_it_was_decided(tmp_path: Path):
    apart = [by("Wei Example", "Cy Sample"), by("Wei Example", "Dee Sample")]
    days = {
        day: [
            on(day, f"{day:%y%m}.{number:05}", authors=names) for number, names in enumerate(apart)
        ]
        for day in (ONE, TWO)
    }
    site = IndexSite(tmp_path, URL)
    made = site.write(days)
    assert {path for path in made if path.startswith("en/a/") and path.endswith(".html")} == {
        f"en/a/{key}.html" for key in ("wei-example", "wei-example_2", "cy-sample", "dee-sample")
    }
    first, second = (site.read(f"en/a/{key}.html") for key in ("wei-example", "wei-example_2"))
    for page, number in ((first, "00000"), (second, "00001")):
        assert [article.get("data-arxiv-id") for article in elements(page, "article")] == [
            f"2601.{number}",
            f"2512.{number}",
        ]
        assert text_of(elements(page, "h1")[0]) == "Wei Example"
        assert LOCALES["en"].text("collection.same_author") in shown(page)
        assert "Other people of this name: Wei Example (2 papers)" in shown(page)
    assert "wei-example_2.html" in links(first)
    assert "wei-example.html" in links(second)
    assert "Other people" not in site.read("en/a/cy-sample.html")


def test_the_page_of_people_who_turn_out_to_be_one_stays_at_both_addresses(tmp_path: Path):
    groups = [by("Wei Example", "Cy Sample"), by("Wei Example", "Dee Sample")]
    days = {
        ONE: [
            on(ONE, f"2512.{number:05}", authors=groups[number // 2], title=f"Paper {number}")
            for number in range(4)
        ]
    }
    site = IndexSite(tmp_path, URL)
    site.write(days)
    both = by("Wei Example", "Cy Sample", "Dee Sample")
    site.write(days | {TWO: [on(TWO, "2601.00001", authors=both)]})
    page = site.read("en/a/wei-example.html")
    assert len(elements(page, "article")) == 5
    for ending in ("html", "xml", "json"):
        same = site.read(f"en/a/wei-example.{ending}")
        assert site.read(f"en/a/wei-example_2.{ending}") == same
    assert f"{URL}/en/a/wei-example.html" in links(page)
    assert "wei-example_2" not in site.read("sitemap.xml")


def test_a_changed_day_makes_again_what_names_its_papers_and_nothing_else(tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    old = on(ONE, "2512.00001", institutions=["Old School"], topics=about("cv"))
    days = {
        ONE: [old],
        TWO: [on(TWO, "2601.00001", institutions=["New School", "Both"], topics=about("rl"))],
    }
    site.write(days)
    assert site.write(days) == set()

    voted = {**days, TWO: [days[TWO][0].model_copy(update={"upvotes": 99})]}
    shelves = (
        *("t/rl.html", "i/new-school.html", "i/both.html"),
        *("a/ada-example.html", "a/bo-sample.html"),
    )
    assert site.write(voted) == everywhere(*shelves, "index.html")

    more = {
        **voted,
        TWO: [*voted[TWO], on(TWO, "2601.00002", institutions=["Both"], topics=about("rl"))],
    }
    assert site.write(more) == {
        *everywhere(
            *("t/rl.html", "i/both.html", "a/ada-example.html", "a/bo-sample.html"),
            *("archive.html", "trends.html", "index.html", "feed.xml", "feed.json"),
            *("t/rl.xml", "i/both.xml", "a/ada-example.xml", "a/bo-sample.xml"),
            *("t/rl.json", "i/both.json", "a/ada-example.json", "a/bo-sample.json"),
        ),
        "sitemap.xml",
    }


def test_a_collection_without_papers_is_removed(tmp_path: Path):
    site = IndexSite(tmp_path)
    site.write(
        {
            ONE: [
                on(ONE, "2512.00001", topics=about("cv")),
                on(ONE, "2512.00002", topics=about("rl")),
            ]
        }
    )
    site.write(
        {
            ONE: [
                on(ONE, "2512.00001", topics=about("cv")),
                on(ONE, "2512.00002", topics=about("cv")),
            ]
        }
    )
    assert not (tmp_path / "site" / "en" / "t" / "rl.html").exists()
    assert (tmp_path / "site" / "en" / "t" / "cv.html").exists()


def test_a_paper_without_a_text_of_ours_stands_under_its_own_title(tmp_path: Path):
    site = IndexSite(tmp_path)
    site.write({ONE: [paper("2512.00001", summaries={})]})
    (heading,) = elements(site.read(f"ru/{BRIDGES}"), "h2")
    assert text_of(heading) == "🌉 Sensor Bridges Foresee Gusts"
    assert [span.get("lang") for span in heading.iter(XHTML + "span")][-1] == "en"
