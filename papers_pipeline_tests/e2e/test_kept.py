"""What a reader keeps in the browser: stars, marks and words, by mouse and by keyboard.

Nothing of it is sent anywhere, several tabs agree, and what is imported does no harm.
"""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from papers_pipeline.records import IssueAuthor
from papers_pipeline.site.bibtex import bibtex
from papers_pipeline_tests.e2e.visiting import DAY, LOCALES, Visit, shown, tabbed_to, unfolded
from papers_pipeline_tests.helpers.outside import LANGUAGES
from papers_pipeline_tests.helpers.pages import paper

STARRED = "JSON.parse(localStorage.getItem('kept.starred'))"
REFUSALS = {
    "private": (
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException(''); } });"
    ),
    "full": (
        "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); };"
    ),
}
HIGHLIGHTED = "[...CSS.highlights.get('kept') ?? []].map((range) => range.startContainer.data"
HIGHLIGHTED += ".slice(range.startOffset, range.endOffset))"


def card(page: Page, arxiv_id: str) -> Locator:
    return page.locator(f"article[data-arxiv-id='{arxiv_id}']")


def mark(page: Page, arxiv_id: str, name: str) -> Locator:
    return card(page, arxiv_id).get_by_role("button", name=name, exact=True)


def star(page: Page, *ids: str) -> None:
    """Star papers on a page and wait until everything about them is stored."""
    for arxiv_id in ids:
        mark(page, arxiv_id, "Star").click()
    wait_for_stars(page)


def wait_for_stars(page: Page) -> None:
    for _ in range(200):
        if all(star["bibtex"] and star["words"] for star in page.evaluate(STARRED)):
            return
        page.wait_for_timeout(50)
    raise AssertionError("a star stays incomplete")


def exported(page: Page, form: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=form, exact=True).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def take_in(page: Page, content: object) -> None:
    """Import a file on the page of one's papers."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    file = {"name": "papers.json", "mimeType": "application/json", "buffer": data}
    page.get_by_label("Import", exact=True).set_input_files([file])
    expect(page.locator(".mine output")).not_to_be_empty()


@pytest.fixture
def ids(papers: list[dict[str, Any]]) -> list[str]:
    """The papers of the day in the order of its page."""
    return [paper["id"] for paper in papers]


class TestMarks:
    def test_a_star_is_kept_and_seen_on_every_page_of_the_paper(self, visit: Visit, ids):
        page = visit.open(f"en/d/{DAY}.html")
        expect(mark(page, ids[0], "Star")).to_have_attribute("aria-pressed", "false")
        star(page, ids[0])
        for path in (f"en/d/{DAY}.html", "en/m/2026-03.html", f"en/p/{ids[0]}.html"):
            visit.open(path)
            expect(mark(page, ids[0], "Star")).to_have_attribute("aria-pressed", "true")
        mark(page, ids[0], "Star").click()
        assert page.evaluate(STARRED) == []
        assert visit.said == []

    def test_a_star_keeps_what_lists_and_exports_need(self, visit: Visit, papers, ids):
        page = visit.open("en/m/2026-03.html")  # whose cards name no authors
        star(page, ids[3])
        (kept,) = page.evaluate(STARRED)
        first = papers[3]
        words = page.request.get(f"{visit.site}/words/{DAY}.json").json()["papers"]
        starred = datetime.fromisoformat(kept.pop("starred"))
        assert abs((datetime.now(UTC) - starred).total_seconds()) < 3600
        visit.open(f"en/p/{ids[3]}.html")
        assert kept == {
            "id": first["id"],
            "title": first["title"],
            "slogan": first["summaries"]["en"]["title"],
            "language": "en",
            "authors": [author["name"] for author in first["authors"]],
            "day": DAY,
            "bibtex": page.locator("#bibtex").text_content(),
            "words": words[first["id"]],
        }

    def test_what_could_not_be_loaded_is_loaded_on_the_page_of_ones_papers(self, visit, ids):
        page = visit.open(f"en/d/{DAY}.html")
        page.route(f"**/p/{ids[0]}.html", lambda route: route.abort())
        page.route("**/words/*.json", lambda route: route.abort())
        mark(page, ids[0], "Star").click()
        page.wait_for_load_state("networkidle")
        assert page.evaluate(STARRED)[0]["bibtex"] == ""
        page.unroute("**/words/*.json")
        page.unroute(f"**/p/{ids[0]}.html")
        visit.open("en/my.html")
        wait_for_stars(page)

    def test_everything_by_keyboard(self, visit: Visit, ids):
        page = visit.open(f"en/d/{DAY}.html")
        for name, key in (("starred", "Enter"), ("read", "Space")):
            tabbed_to(page, f".marks [data-mark={name}]")
            page.keyboard.press(key)
            expect(page.locator(":focus")).to_have_attribute("aria-pressed", "true")
        expect(card(page, ids[0])).to_have_class("paper is-read")
        tabbed_to(page, ".marks [data-mark=hidden]")
        page.keyboard.press("Enter")
        expect(card(page, ids[0]).locator(".text")).to_be_hidden()
        expect(page.locator(".away-line button")).to_be_focused()
        page.keyboard.press("Enter")
        expect(card(page, ids[0]).locator(".text")).to_be_visible()
        expect(mark(page, ids[0], "Hide")).to_be_focused()

    def test_a_hidden_paper_is_a_line_until_it_is_shown(self, visit: Visit, ids):
        page = visit.open(f"en/d/{DAY}.html")
        heading = card(page, ids[1]).locator("h2 a").inner_text()
        mark(page, ids[1], "Hide").click()
        page.reload()
        assert card(page, ids[1]).inner_text().splitlines() == [heading, "Show"]
        assert card(page, ids[1]).bounding_box()["height"] < 60
        assert shown(page) == ids
        page.get_by_role("button", name=f"Show: {heading}").click()
        expect(card(page, ids[1]).locator(".text")).to_be_visible()

    def test_the_own_page_of_a_hidden_paper_stays_open(self, visit: Visit, ids):
        page = visit.open(f"en/p/{ids[1]}.html")
        mark(page, ids[1], "Hide").click()
        expect(mark(page, ids[1], "Hide")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("article .text").first).to_be_visible()

    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_the_buttons_are_named_in_each_language(self, visit: Visit, lang: str):
        page = visit.open(f"{lang}/d/{DAY}.html")
        say = LOCALES[lang].text
        group = page.get_by_role("group", name=say("marks.marks")).first
        names = [say(f"marks.{name}") for name in ("starred", "read", "hidden")]
        assert group.get_by_role("button").all_inner_texts() == names

    def test_tabs_stay_in_step(self, visit: Visit, ids):
        page = visit.open(f"en/d/{DAY}.html")
        other = page.context.new_page()
        other.goto(f"{visit.site}/en/w/2026-W10.html")
        star(page, ids[2])
        expect(mark(other, ids[2], "Star")).to_have_attribute("aria-pressed", "true")
        mark(other, ids[4], "Hide").click()
        expect(card(page, ids[4]).locator(".away-line")).to_be_visible()
        mark(other, ids[2], "Star").click()
        expect(mark(page, ids[2], "Star")).to_have_attribute("aria-pressed", "false")

    @pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
    def test_where_nothing_can_be_stored_marks_last_for_the_page(
        self, visit: Visit, ids, refusal: str
    ):
        visit.page.add_init_script(refusal)
        page = visit.open(f"en/d/{DAY}.html")
        for name in ("Star", "Mark as read"):
            mark(page, ids[0], name).click()
            expect(mark(page, ids[0], name)).to_have_attribute("aria-pressed", "true")
        page.reload()
        expect(mark(page, ids[0], "Star")).to_have_attribute("aria-pressed", "false")
        visit.open("en/my.html")
        expect(page.locator(".fleeting")).to_be_hidden()
        page.get_by_label("Words and names to highlight").fill("model")
        expect(page.locator(".fleeting")).to_be_visible()
        assert visit.said == []

    def test_damaged_memory_is_no_error(self, visit: Visit, ids):
        for damage in ("{", "7", "null", '[null, 7, {"id": {}}, {"id": "../x"}]', '{"a": 1}'):
            visit.open("en/my.html")
            for name in ("starred", "read", "hidden", "highlights"):
                visit.page.evaluate(
                    "([name, value]) => localStorage.setItem(`kept.${name}`, value)",
                    [name, damage],
                )
            page = visit.open(f"en/d/{DAY}.html")
            assert page.locator("[aria-pressed=true]").count() == 0
            assert visit.said == []

    @pytest.mark.parametrize("width", [390, 1024, 1280])
    @pytest.mark.parametrize("path", [f"en/d/{DAY}.html", f"ru/d/{DAY}.html", "zh/m/2026-03.html"])
    def test_no_paper_moves_when_its_marks_appear(
        self, browser: Browser, site: str, path: str, width: int
    ):
        tops = []
        for blocked in (True, False):
            context = browser.new_context(viewport={"width": width, "height": 800})
            visit = Visit(context.new_page(), site)
            if blocked:
                visit.page.route("**/kept.js", lambda route: route.fulfill(body=""))
            page = visit.open(path)
            tops.append(
                page.locator("article").evaluate_all("all => all.map((node) => node.offsetTop)")
            )
            context.close()
        assert tops[0] == tops[1]


class TestMyPapers:
    def test_starred_papers_are_listed_newest_first_and_can_be_removed(
        self, visit: Visit, papers, ids
    ):
        page = visit.open(f"en/d/{DAY}.html")
        star(page, ids[0], ids[2])
        visit.open("en/my.html")
        entries = page.locator(".stars li")
        slogans = [papers[place]["summaries"]["en"]["title"] for place in (2, 0)]
        assert entries.locator("h3").all_inner_texts() == slogans
        today = page.evaluate("new Date().toLocaleDateString('en', { dateStyle: 'medium' })")
        expect(entries.first).to_contain_text(f"Starred on {today}")
        entries.first.get_by_role("button", name="Remove").click()
        expect(entries).to_have_count(1)
        expect(entries.get_by_role("button")).to_be_focused()
        entries.get_by_role("link").click()
        page.wait_for_url(f"**/en/p/{ids[0]}.html")
        assert visit.said == []

    def test_bibtex_is_that_of_the_papers_pages(self, visit: Visit, ids):
        page = visit.open(f"en/d/{DAY}.html")
        star(page, *ids[:3])
        entries = []
        for arxiv_id in reversed(ids[:3]):
            visit.open(f"en/p/{arxiv_id}.html")
            entries.append(page.locator("#bibtex").text_content())
        visit.open("en/my.html")
        assert exported(page, "BibTeX") == "\n\n".join(entries) + "\n"

    def test_markdown_links_each_paper(self, visit: Visit, papers, ids):
        page = visit.open(f"en/d/{DAY}.html")
        star(page, ids[0])
        visit.open("en/my.html")
        heading, _, first, about = exported(page, "Markdown").splitlines()
        assert heading == "# My papers"
        link = f"{visit.site}/en/p/{ids[0]}.html"
        arxiv = f"([arXiv](https://arxiv.org/abs/{ids[0]}))"
        assert first.rstrip() == f"- [{papers[0]['title']}]({link}) {arxiv}"
        assert papers[0]["summaries"]["en"]["title"] in about

    def test_json_goes_to_another_browser_and_merges(self, visit: Visit, browser: Browser, ids):
        page = visit.open(f"en/d/{DAY}.html")
        star(page, ids[0], ids[1])
        mark(page, ids[2], "Mark as read").click()
        mark(page, ids[3], "Hide").click()
        visit.open("en/my.html")
        page.get_by_label("Words and names to highlight").fill("gusts\nCharles University")
        copy = json.loads(exported(page, "JSON"))
        assert copy["schema"] == 1
        assert [star["id"] for star in copy["starred"]] == ids[:2]
        assert copy["highlights"] == ["gusts", "Charles University"]

        elsewhere = Visit(browser.new_context().new_page(), visit.site)
        there = elsewhere.open(f"en/d/{DAY}.html")
        star(there, ids[1], ids[4])
        older = there.evaluate(STARRED)[0]["starred"]
        elsewhere.open("en/my.html")
        take_in(there, copy)
        expect(there.locator(".mine output")).to_have_text("1 paper added")
        stars = {star["id"]: star for star in there.evaluate(STARRED)}
        assert stars[ids[0]] == copy["starred"][0]
        assert stars[ids[1]]["starred"] == older
        assert list(stars) == [ids[1], ids[4], ids[0]]
        expect(there.locator(".counts")).to_have_text("Read: 1. Hidden: 1.")
        expect(there.locator("textarea")).to_have_value("gusts\nCharles University")
        assert elsewhere.said == []
        there.context.close()

    def test_what_is_imported_does_no_harm(self, visit: Visit):
        markup = "<img src=x onerror='window.harmed=1'><script>window.harmed=1</script>"
        page = visit.open("en/my.html")
        tex = "@misc{x1,\n  title = {{\\input{/etc/passwd}}},\n}"
        hostile = {
            "id": "2602.99999",
            "title": markup,
            "slogan": markup,
            "language": "en",
            "authors": [markup, 7, {"a": 1}],
            "day": "../../etc",
            "starred": "never",
            "bibtex": tex,
            "words": {"__proto__": 1, "12": "0.1", "13": 9e99, "14": 0.5},
        }
        refused = [{"id": "../../x"}, {"id": "javascript:alert(1)"}, {"id": 7}, None, "x"]
        stars = [hostile, *refused]
        take_in(page, {"schema": 1, "starred": stars, "hidden": [markup], "highlights": [markup]})
        expect(page.locator(".mine output")).to_have_text("1 paper added")
        entry = page.locator(".stars li")
        assert entry.locator("h3").inner_text() == markup
        assert page.locator(".stars img, .stars script").count() == 0
        assert urlsplit(entry.get_by_role("link").get_attribute("href")).path.endswith(
            "/en/p/2602.99999.html"
        )
        (kept,) = page.evaluate(STARRED)
        assert (kept["day"], kept["words"], kept["authors"]) == ("", {"14": 0.5}, [markup])
        assert "\\input" not in exported(page, "BibTeX").replace("textbackslash", "")
        assert "<img" not in exported(page, "Markdown").replace("\\<", "")
        assert page.evaluate("window.harmed") is None

    @pytest.mark.parametrize(
        "content", [b"not JSON", b"\xff\xfe", [], None, {"schema": 2}, {"starred": []}], ids=repr
    )
    def test_a_file_that_is_no_export_changes_nothing(self, visit: Visit, content: object):
        page = visit.open("en/my.html")
        take_in(page, content)
        expect(page.locator(".mine output")).to_have_text(
            "This file is not an export of this page."
        )
        assert page.evaluate(STARRED) is None
        assert visit.said == []

    def test_bibtex_is_written_as_on_the_pages_where_an_import_lacks_it(self, visit: Visit):
        given = [
            paper("2502.00001", title="50% of R&D, #1_a ~ ^ {x} \\y <z>", authors=[]),
            paper("2502.00002", authors=[IssueAuthor(name="Aurélie Lemaître, Jr.")]),
            paper("cs/0601001", authors=[IssueAuthor(name="王 小明")], published_at=None),
        ]
        stars = []
        for place, item in enumerate(given):
            names = [author.name for author in item.authors]
            starred = f"2026-03-0{9 - place}T00:00:00Z"
            stars.append(
                {"id": item.arxiv_id, "title": item.title, "authors": names, "starred": starred}
            )
        page = visit.open("en/my.html")
        take_in(page, {"schema": 1, "starred": stars})
        wanted = "\n\n".join(map(bibtex, given)) + "\n"
        assert exported(page, "BibTeX") == wanted

    def test_everything_can_be_deleted(self, visit: Visit, ids):
        page = visit.open(f"en/d/{DAY}.html")
        star(page, ids[0])
        mark(page, ids[1], "Hide").click()
        visit.open("en/my.html")
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.get_by_role("button", name="Delete everything").click()
        expect(page.locator(".stars li")).to_have_count(1)
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Delete everything").click()
        expect(page.locator(".stars li")).to_have_count(0)
        expect(page.locator(".counts")).to_have_text("Read: 0. Hidden: 0.")

    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_without_scripts_it_says_why_it_is_empty(self, browser: Browser, site, lang: str):
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{site}/{lang}/my.html")
        expect(page.locator(".state:visible")).to_have_text(LOCALES[lang].text("my.scripts"))
        assert page.locator("main button:visible, input:visible, textarea:visible").count() == 0
        page.goto(f"{site}/{lang}/d/{DAY}.html")
        assert page.locator("article button").count() == 0
        context.close()

    @pytest.mark.parametrize("width", [320, 390])
    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_on_a_phone_nothing_sticks_out(self, browser: Browser, site, lang: str, width: int):
        size = {"width": width, "height": 800}
        context = browser.new_context(viewport=size, is_mobile=True, has_touch=True)
        visit = Visit(context.new_page(), site)
        page = visit.open(f"{lang}/d/{DAY}.html")
        page.locator(".marks [data-mark=starred]").first.click()
        page.locator(".marks [data-mark=hidden]").nth(1).click()
        buttons = ".marks button:visible, .away-line button, .mine button"
        for path in (f"d/{DAY}.html", "my.html"):
            visit.open(f"{lang}/{path}")
            assert page.evaluate("document.documentElement.scrollWidth") == width
            for button in page.locator(buttons).all():
                assert button.bounding_box()["height"] >= 43.5
        context.close()


class TestHighlights:
    def test_words_of_the_list_are_highlighted_on_all_pages(self, visit: Visit, ids):
        page = visit.open("en/my.html")
        page.get_by_label("Words and names to highlight").fill("charles  UNIVERSITY\nmode")
        page.get_by_label("Words and names to highlight").press("Enter")
        visit.open(f"en/d/{DAY}.html")
        assert set(page.evaluate(HIGHLIGHTED)) == {"Charles University"}
        visit.open("en/my.html")
        page.get_by_label("Words and names to highlight").fill("mode*")
        for path in (f"en/d/{DAY}.html", "en/m/2026-03.html", f"en/p/{ids[0]}.html"):
            visit.open(path)
            assert {text.lower() for text in page.evaluate(HIGHLIGHTED)} == {"mode"}
        assert visit.said == []

    def test_words_without_spaces_between_them_are_found_within_a_text(self, visit: Visit):
        page = visit.open("zh/my.html")
        page.locator("textarea").fill("模型")
        visit.open(f"zh/d/{DAY}.html")
        assert set(page.evaluate(HIGHLIGHTED)) == {"模型"}

    def test_nothing_moves(self, visit: Visit):
        boxes = "all => all.map((node) => JSON.stringify(node.getBoundingClientRect()))"
        page = visit.open(f"ru/d/{DAY}.html")
        before = page.locator("article, article *").evaluate_all(boxes)
        page.evaluate("kept.set('highlights', new Set(['модел*', 'на', 'Charles']))")
        assert len(page.evaluate(HIGHLIGHTED)) > 10
        assert page.locator("article, article *").evaluate_all(boxes) == before

    def test_characters_of_expressions_are_only_characters(self, visit: Visit):
        page = visit.open("en/my.html")
        words = ["(a+)+$", "[", "\\", "a|b", "C++", "{2}", "."]
        page.locator("textarea").fill("\n".join([*words, "*"]))
        visit.open(f"en/d/{DAY}.html")
        assert page.evaluate("[...kept.get('highlights')]") == words
        assert "." in page.evaluate(HIGHLIGHTED)
        assert set(page.evaluate(HIGHLIGHTED)) <= set(words)
        assert visit.said == []


def cosine(one: dict[str, float], other: dict[str, float]) -> float:
    dot = sum(weight * other.get(word, 0.0) for word, weight in one.items())
    return dot / math.hypot(*one.values()) / math.hypot(*other.values())


class TestLikeness:
    def test_papers_most_like_the_starred_ones_come_first(self, visit: Visit, ids):
        page = unfolded(visit.open(f"en/d/{DAY}.html"))
        sort = page.get_by_label("Sort by")
        assert "Like my stars" not in sort.inner_text()
        star(page, ids[5], ids[7])
        sort.select_option("Like my stars")
        page.wait_for_url("**?sort=like")
        words = page.request.get(f"{visit.site}/words/{DAY}.json").json()["papers"]
        liked = [words[ids[5]], words[ids[7]]]
        alike = {key: max(cosine(words[key], other) for other in liked) for key in words}
        wanted = sorted(ids, key=lambda key: -round(alike[key], 6))
        assert shown(page) == wanted != ids
        assert set(wanted[:2]) == {ids[5], ids[7]}
        page.reload()
        expect(page.locator("article").first).to_have_attribute("data-arxiv-id", wanted[0])
        assert shown(page) == wanted
        mark(page, ids[5], "Star").click()
        mark(page, ids[7], "Star").click()
        expect(page.locator("article").first).to_have_attribute("data-arxiv-id", ids[0])
        assert shown(page) == ids
        assert "Like my stars" not in sort.inner_text()
        assert visit.said == []

    def test_it_is_chosen_by_keyboard(self, visit: Visit, ids):
        page = visit.open(f"en/d/{DAY}.html")
        star(page, ids[-1])
        page.reload()
        tabbed_to(page, ".filter summary")
        page.keyboard.press("Enter")
        tabbed_to(page, "[name=sort]")
        page.keyboard.press("End")
        expect(page.locator("article").first).to_have_attribute("data-arxiv-id", ids[-1])

    def test_words_that_cannot_be_loaded_leave_the_order(self, visit: Visit, ids):
        page = visit.open(f"en/d/{DAY}.html")
        star(page, ids[-1])
        page.reload()
        page.route("**/words/*.json", lambda route: route.abort())
        unfolded(page)
        page.get_by_label("Sort by").select_option("Like my stars")
        expect(page.get_by_role("status").first).to_have_text(
            "This order is not available: the words of this day could not be loaded."
        )
        assert shown(page) == ids
        assert page.get_by_label("Sort by").input_value() == ""


def test_nothing_is_sent_to_anyone(visit: Visit, ids):
    page = visit.open(f"en/d/{DAY}.html")
    page.wait_for_load_state("networkidle")
    requests = []
    page.context.on("request", lambda request: requests.append(request))
    star(page, ids[0])
    mark(page, ids[1], "Mark as read").click()
    mark(page, ids[2], "Hide").click()
    unfolded(page)
    page.get_by_label("Sort by").select_option("Like my stars")
    page.wait_for_url("**?sort=like")
    page.evaluate("kept.set('highlights', new Set(['model']))")
    page.wait_for_load_state("networkidle")
    asked = set()
    for request in requests:
        # Pictures come into view, and a browser asks for the icon of a new address.
        if request.resource_type != "image" and not request.url.endswith("/icon.svg"):
            asked.add((request.method, request.url, request.post_data))
    assert asked == {
        ("GET", f"{visit.site}/en/p/{ids[0]}.html", None),
        ("GET", f"{visit.site}/words/{DAY}.json", None),
    }
    requests.clear()
    visit.open("en/my.html")
    for form in ("BibTeX", "Markdown", "JSON"):
        exported(page, form)
    take_in(page, {"schema": 1, "starred": [], "hidden": ids})
    page.wait_for_load_state("networkidle")
    static = [f"{visit.site}/static/{name}" for name in ("site.js", "kept.js", "my.js", "site.css")]
    urls = {request.url for request in requests if not request.url.startswith("blob:")}
    assert urls <= {f"{visit.site}/en/my.html", *static, f"{visit.site}/static/icon.svg"}
    assert {request.method for request in requests} == {"GET"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_axe_finds_nothing_wrong_with_marked_papers(browser: Browser, site: str, lang: str):
    context = browser.new_context(bypass_csp=True)  # for axe's own script
    page = Visit(context.new_page(), site).open(f"{lang}/d/{DAY}.html")
    for place, name in enumerate(("starred", "read", "hidden")):
        page.locator(f".marks [data-mark={name}]").nth(place).click()
    for path in (f"d/{DAY}.html", "my.html"):
        page.goto(f"{site}/{lang}/{path}")
        for scheme, width in (("light", 1440), ("dark", 390)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            found = Axe().run(page, options={"resultTypes": ["violations"]})
            assert found.response["violations"] == [], found.generate_report()
    context.close()
