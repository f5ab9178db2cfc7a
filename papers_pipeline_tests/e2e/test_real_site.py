"""The site of a real month, February 2025, in a headless browser.

PAPERS_REAL_DATA names a folder with its lists and some PDFs. `papers build` builds it on the
sandbox, which serves one of those PDFs in place of each missing one.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from papers_pipeline.site.render import IMAGE_SOURCES
from papers_pipeline_tests.e2e.visiting import (
    LOCALES,
    Visit,
    shown,
    tabbed_to,
    unfolded,
)
from papers_pipeline_tests.helpers.outside import LANGUAGES
from papers_pipeline_tests.helpers.serving import served

REAL = Path(os.environ["PAPERS_REAL_DATA"])
DAYS = [path.stem for path in sorted((REAL / "hf_api").glob("2025-02-*.json"))]
BELOW = "digest/of/february"
BUILD = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from papers_pipeline.sandbox import demo
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.world import World

demo.DATA = Path(sys.argv[1])
world = World(folder=Path(sys.argv[2]), substitute_pdfs=True)
with running(world) as url:
    demo.enter(url)
    os.environ["PAPERS_SITE_URL"] = "https://papers.example/digest/of/february"
    march = datetime(2025, 3, 3, 6, tzinfo=UTC)
    sys.exit(demo.build(world, march, "--from", "2025-02-03", "--to", "2025-02-28", "--yes"))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site's folder."""
    data = tmp_path_factory.mktemp("real")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, data, REAL], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return data / "site"


@pytest.fixture(scope="module")
def site(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site, below a path of a larger one."""
    root = tmp_path_factory.mktemp("www")
    (root / BELOW).parent.mkdir(parents=True)
    (root / BELOW).symlink_to(files)
    with served(root) as address:
        yield f"{address}/{BELOW}"


@pytest.fixture(scope="module")
def days(files: Path) -> dict[str, list[dict[str, Any]]]:
    """The papers of each day's public record."""
    return {
        day: json.loads((files / "d" / f"{day}.json").read_text(encoding="utf-8"))["papers"]
        for day in DAYS
    }


@pytest.fixture
def visit(page, site: str) -> Visit:
    return Visit(page, site)


def by(papers: list[dict[str, Any]], key: str) -> list[str]:
    return [paper["id"] for paper in sorted(papers, key=lambda paper: paper[key], reverse=True)]


def topics(paper: dict[str, Any]) -> list[str]:
    return [name.lower() for name in paper["topics"]["names"]]


def test_the_month_has_every_paper_of_the_lists(days):
    listed = {
        day: {
            entry["paper"]["id"]
            for entry in json.loads((REAL / "hf_api" / f"{day}.json").read_text())
        }
        for day in DAYS
    }
    assert {day: {paper["id"] for paper in papers} for day, papers in days.items()} == listed
    assert sum(map(len, listed.values())) >= 200


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_scripts_or_pictures_every_text_is_there_in_the_order_of_votes(
    browser: Browser, site, days, lang: str
):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.route(lambda url: not url.startswith(site), lambda route: route.abort())
    for day, papers in days.items():
        page.goto(f"{site}/{lang}/d/{day}.html")
        assert shown(page) == by(papers, "upvotes")
        words = " ".join(page.locator("main").inner_text().split())
        for paper in papers:
            assert " ".join(paper["summaries"][lang]["text"].split()) in words
        assert page.locator(".fold.abstract").count() == sum(
            bool(paper["abstract"]) for paper in papers
        )
    context.close()


@pytest.mark.parametrize("day", DAYS)
def test_every_control_of_a_day_by_mouse(visit: Visit, days, day: str):
    papers = days[day]
    page = unfolded(visit.open(f"en/d/{day}.html"))
    counts = Counter(topic for paper in papers for topic in topics(paper))
    boxes = page.locator("input[name=topic]")
    assert {
        box.get_attribute("value"): int(box.locator("xpath=..").locator("small").inner_text())
        for box in boxes.all()
    } == counts
    for topic in counts:
        page.locator(f"[value='{topic}']").check()
        assert shown(page) == [paper["id"] for paper in papers if topic in topics(paper)]
        page.locator(f"[value='{topic}']").uncheck()
    one, other = [*counts, *counts][:2]
    page.locator(f"[value='{one}']").check()
    page.locator(f"[value='{other}']").check()
    assert shown(page) == [paper["id"] for paper in papers if {one, other} & {*topics(paper)}]
    if one != other:
        page.get_by_label("all of these topics").check()
        assert shown(page) == [paper["id"] for paper in papers if {one, other} <= {*topics(paper)}]
    page.get_by_role("button", name="Reset").click()

    for option in page.locator("[name=institution] option").all()[1:6]:
        value = option.get_attribute("value")
        page.locator("[name=institution]").select_option(value)
        held = page.locator(f"article[data-institutions~='{value}']").evaluate_all(
            "all => all.map((node) => node.dataset.arxivId)"
        )
        assert shown(page) == held != []
    page.get_by_role("button", name="Reset").click()

    for label, key in (
        ("Time of listing", "listed_at"),
        ("Date on arXiv", "published_at"),
        ("Votes", "upvotes"),
    ):
        page.get_by_label("Sort by").select_option(label)
        assert shown(page) == by(papers, key)
    page.get_by_label("Keywords").fill(papers[-1]["id"])
    assert shown(page) == [papers[-1]["id"]]
    page.wait_for_url(f"**?q={papers[-1]['id']}*")
    page.reload()
    assert shown(page) == [papers[-1]["id"]]
    assert visit.said == []


def test_every_control_of_the_longest_day_by_keyboard(visit: Visit, days):
    day, papers = max(days.items(), key=lambda item: len(item[1]))
    page = visit.open(f"ru/d/{day}.html")
    tabbed_to(page, ".filter summary")
    page.keyboard.press("Enter")
    tabbed_to(page, "[name=q]")
    page.keyboard.type(papers[3]["id"])
    assert shown(page) == [papers[3]["id"]]
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    tabbed_to(page, "[name=institution]")
    page.keyboard.press("ArrowDown")
    assert 0 < len(shown(page)) < len(papers)
    page.keyboard.press("Home")
    tabbed_to(page, "[name=sort]")
    page.keyboard.press("End")
    assert shown(page) == by(papers, "published_at")
    page.keyboard.press("Home")
    tabbed_to(page, "[name=topic]")
    page.keyboard.press("Space")
    first = page.evaluate("document.activeElement.value")
    assert shown(page) == [paper["id"] for paper in papers if first in topics(paper)]
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    second = page.evaluate("document.activeElement.value")
    tabbed_to(page, "[name=match]")
    page.keyboard.press("ArrowRight")
    assert shown(page) == [paper["id"] for paper in papers if {first, second} <= {*topics(paper)}]
    tabbed_to(page, "[type=reset]")
    page.keyboard.press("Enter")
    expect(page.locator("article:visible")).to_have_count(len(papers))
    tabbed_to(page, "article .fold.abstract summary")
    page.keyboard.press("Enter")
    expect(page.locator("article .fold.abstract[open]")).to_have_count(1)
    assert visit.said == []


def kinds(files: Path) -> dict[str, list[str]]:
    """Pages of each kind below a language: all days, months, weeks and tasks, some of the rest."""
    root = files / "en"
    found = {
        kind: sorted(f"{kind}/{path.name}" for path in (root / kind).glob("*.html"))
        for kind in "dmwpti"
    }
    tasks = sorted(f"reading/{path.name}" for path in (root / "reading").glob("*.html"))
    single = sorted(path.name for path in root.glob("*.html"))
    return found | {
        "p": found["p"][::20],
        "t": found["t"][::4],
        "i": found["i"][::40],
        "reading": tasks,
        "single": single,
    }


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", ["d", "m", "w", "p", "t", "i", "reading", "single"])
def test_pages_ask_no_one_but_for_pictures_and_say_nothing_in_the_console(
    visit: Visit, files: Path, lang: str, kind: str
):
    paths = kinds(files)[kind]
    assert paths
    for path in paths:
        page = visit.open(f"{lang}/{path}")
        page.locator("details").evaluate_all("all => all.forEach((node) => { node.open = true; })")
        page.evaluate(
            "document.querySelectorAll('img').forEach((node) => { node.loading = 'eager'; })"
        )
        page.wait_for_load_state("networkidle")
        assert page.locator("html").get_attribute("lang") == LOCALES[lang].html
        assert visit.said == [], path
    assert visit.outside <= {*IMAGE_SOURCES}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", ["d", "m", "w", "p", "t", "i", "reading", "single"])
def test_axe_finds_nothing_wrong_in_either_theme(
    browser: Browser, site, files: Path, lang: str, kind: str
):
    context = browser.new_context(bypass_csp=True)  # for axe's own script
    for path in kinds(files)[kind][:4]:
        page = Visit(context.new_page(), site).open(f"{lang}/{path}")
        page.locator("details").evaluate_all("all => all.forEach((node) => { node.open = true; })")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options={"resultTypes": ["violations"]})
            assert found.response["violations"] == [], (
                f"{path}, {scheme}: {found.generate_report()}"
            )
        page.close()
    context.close()


def test_on_a_phone_no_page_sticks_out(browser: Browser, site, files: Path):
    context = browser.new_context(
        viewport={"width": 360, "height": 800}, is_mobile=True, has_touch=True
    )
    page = Visit(context.new_page(), site).page
    for lang in LANGUAGES:
        for paths in kinds(files).values():
            for path in paths:
                page.goto(f"{site}/{lang}/{path}")
                assert page.evaluate("document.documentElement.scrollWidth") == 360, (
                    f"{lang}/{path}"
                )
    context.close()
