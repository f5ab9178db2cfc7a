"""Topics and institutions over time: monthly shares, leaders, and plots that follow the theme."""

from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import html5lib
import pytest

from papers_pipeline.site.catalogue import Card, Catalogue, CatalogueDay
from papers_pipeline.site.drawing import plots
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.parts.trends import trend_pages, trends_of
from papers_pipeline.store.lake import Lake
from papers_pipeline_tests.helpers.pages import SEEN, XHTML, renderer

JANUARY, MARCH = date(2026, 1, 30), date(2026, 3, 2)
SVG = "{http://www.w3.org/2000/svg}"


def card(
    number: int, day: date, topics: tuple[str, ...] = ("rl",), institutions: tuple[str, ...] = ()
) -> Card:
    return Card(
        arxiv_id=f"2601.{number:05}",
        day=day,
        title="Bridges",
        listed_at=SEEN,
        topics=topics,
        institutions=institutions,
    )


def catalogue(*cards: Card) -> Catalogue:
    days = sorted({card.day for card in cards})
    return Catalogue(
        [CatalogueDay(day, sum(card.day == day for card in cards)) for day in days], cards
    )


def two_months() -> Catalogue:
    return catalogue(
        card(1, JANUARY, ("rl", "agents"), ("École Polytechnique", "MIT")),
        card(2, JANUARY, ("rl",), ("MIT",)),
        card(3, JANUARY, ()),
        card(4, MARCH, ("agents",), ("Ecole Polytechnique",)),
        card(5, MARCH, ("agents", "audio"), ("Ecole Polytechnique",)),
    )


def pages(made: Catalogue, tmp_path: Path) -> dict[str, str]:
    found = trend_pages(renderer(), made, IssueReader(Lake(tmp_path)))
    return {page.path: page.make() for page in found}


def test_a_share_is_of_the_months_papers_that_have_topics():
    made = trends_of(two_months())
    assert made.months == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    assert made.papers == [3, 0, 2]
    assert {topic.key: topic.shares for topic in made.topics} == {
        "agents": [0.5, None, 1.0],
        "rl": [1.0, None, 0.0],
        "audio": [0.0, None, 0.5],
    }


def test_the_most_frequent_of_the_last_year_are_followed():
    old = [card(100 + n, MARCH - timedelta(days=500), ("games",)) for n in range(9)]
    new = [card(200 + n, MARCH, (f"topic_{n:02}",)) for n in range(14)]
    made = trends_of(catalogue(*old, *new, card(1, MARCH, ("topic_05",))))
    assert [topic.key for topic in made.topics] == [
        "topic_05",
        *(f"topic_{n:02}" for n in range(12) if n != 5),
    ]


def test_spellings_of_an_institution_count_as_one_under_its_newest_name():
    made = trends_of(two_months())
    assert [
        (leader.key, leader.name, leader.recent, leader.year, leader.ever)
        for leader in made.leaders
    ] == [
        ("ecole-polytechnique", "Ecole Polytechnique", 3, 3, 3),
        ("mit", "MIT", 2, 2, 2),
    ]
    assert {institution.key: institution.shares for institution in made.institutions} == {
        "ecole-polytechnique": [0.5, None, 1.0],
        "mit": [1.0, None, 0.0],
    }


def test_recent_papers_are_those_of_three_months_up_to_the_newest_day():
    days = [MARCH, date(2025, 12, 3), date(2025, 12, 2), date(2025, 3, 3), date(2025, 3, 2)]
    made = trends_of(
        catalogue(*(card(number, day, (), ("MIT",)) for number, day in enumerate(days)))
    )
    assert [(leader.recent, leader.year, leader.ever) for leader in made.leaders] == [(2, 4, 5)]


def test_the_page_has_a_plot_of_each_and_their_numbers_as_tables(tmp_path: Path):
    made = pages(two_months(), tmp_path)
    assert list(made) == ["ru/trends.html", "en/trends.html", "zh/trends.html"]
    tree = html5lib.HTMLParser(strict=True).parse(made["en/trends.html"])
    assert [svg.findtext(f"{SVG}title") for svg in tree.iter(f"{SVG}svg")] == [
        *("Agents", "Reinforcement learning", "Audio"),
        *("Ecole Polytechnique", "MIT"),
        *("Last 3 months", "Last 12 months"),
    ]
    assert (
        "50% in January 2026, 100% in March 2026. The highest is 100%, in March 2026."
        in made["en/trends.html"]
    )
    assert "Январь" not in made["en/trends.html"]
    tables = [
        [["".join(cell.itertext()) for cell in row] for row in table.iter(f"{XHTML}tr")]
        for table in tree.iter(f"{XHTML}table")
    ]
    assert tables[0] == [
        ["Topic", "Mar 2026", "Feb 2026", "Jan 2026"],
        ["Agents", "100.0%", "–", "50.0%"],
        ["Reinforcement learning", "0.0%", "–", "100.0%"],
        ["Audio", "50.0%", "–", "0.0%"],
        ["All papers", "2", "0", "3"],
    ]
    assert tables[2][1:] == [["Ecole Polytechnique", "3", "3", "3"], ["MIT", "2", "2", "2"]]
    assert all(cell.get("scope") in ("col", "row") for cell in tree.iter(f"{XHTML}th"))


def test_one_month_has_tables_only_and_says_so(tmp_path: Path):
    made = pages(catalogue(card(1, MARCH, ("rl",), ("MIT",))), tmp_path)
    for path, said in (("ru", "второй месяц"), ("en", "a second month"), ("zh", "第二个月")):
        page = made[f"{path}/trends.html"]
        assert said in page
        assert "<svg" not in page
        assert page.count('<div class="numbers">') == 3
        assert "<summary>" not in page
        html5lib.HTMLParser(strict=True).parse(page)


def test_a_name_is_no_formula_and_holds_what_a_page_may(tmp_path: Path):
    names = (r"Univ. of Cash$^\frac$ Testing", "Cash $5 and $6", "University of\x02 Example")
    made = pages(
        catalogue(card(1, JANUARY, ("rl",), names), card(2, MARCH, ("rl",), names)), tmp_path
    )
    page = made["en/trends.html"]
    for name in (r"Univ. of Cash$^\frac$ Testing", "Cash $5 and $6", "University of Example"):
        assert f">{name}</text>" in page
    html5lib.HTMLParser(strict=True).parse(page)


def test_no_paper_at_all_is_a_page_too(tmp_path: Path):
    assert "The first day will appear here" in pages(catalogue(), tmp_path)["en/trends.html"]


def test_plots_come_from_the_same_numbers_byte_for_byte_and_change_with_them(tmp_path: Path):
    first, again = (pages(two_months(), tmp_path) for _ in range(2))
    assert first == again
    of = [
        page.fingerprint
        for made in (two_months(), two_months())
        for page in trend_pages(renderer(), made, None)
    ]
    assert len(set(of)) == 1
    more = catalogue(*two_months().cards, card(9, MARCH, ("agents",)))
    assert next(trend_pages(renderer(), more, None)).fingerprint not in of


@pytest.mark.parametrize(
    "svg",
    [
        plots.line(
            "Agents", "50%", [0.5, None, 0.25], ("янв.", "3月"), 0.5, lambda share: f"{share:.0%}"
        ),
        plots.bars("Most", "two", [("AT&T <Labs>", 12), ("清华大学", 3)]),
    ],
)
def test_a_plot_is_free_of_styles_and_of_names_that_another_one_could_have(svg: str):
    tree = ElementTree.fromstring(svg)
    assert (tree.tag, tree.get("role"), tree.get("class")) == ("svg", "img", "plot")
    assert [element.tag for element in tree][:2] == ["title", "desc"]
    assert {element.tag for element in tree} == {"title", "desc", "path", "text"}
    attributes = {name for element in tree.iter() for name in element.attrib}
    assert attributes <= {
        "viewBox",
        "role",
        "class",
        "d",
        "x",
        "y",
        "fill",
        "stroke",
        "stroke-width",
        "text-anchor",
    }
    colours = {element.get(name) for element in tree.iter() for name in ("fill", "stroke")}
    assert colours <= {None, "none", "currentColor"}


def test_labels_stay_text_and_the_line_goes_over_a_month_without_papers():
    svg = plots.line(
        "x", "y", [0.5, None, 0.25], ("янв.", "3月"), 0.5, lambda share: f"{share:.0%}"
    )
    tree = ElementTree.fromstring(svg)
    assert [text.text for text in tree.iter("text")] == ["янв.", "3月", "0%", "50%", "25%"]
    (line,) = [path for path in tree.iter("path") if path.get("class") == "line"]
    assert line.attrib["d"].split() == ["M", "36", "12", "L", "252", "56"]
