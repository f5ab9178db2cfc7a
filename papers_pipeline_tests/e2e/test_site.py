"""The sample site in a headless browser, served below a path.

Every control works by mouse and by keyboard, every text is there without scripts, no page makes a
stray request or prints to the console, and axe finds nothing wrong.
"""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from papers_pipeline.site.render import IMAGE_SOURCES
from papers_pipeline.text.typography import setter
from papers_pipeline_tests.e2e.visiting import DAY, Visit, shown, tabbed_to, unfolded
from papers_pipeline_tests.helpers.outside import LANGUAGES

PAGES = {
    "day": f"d/{DAY}.html",
    "first page": "index.html",
    "month": "m/2026-03.html",
    "week": "w/2026-W10.html",
    "paper": "p/2602.90011.html",
    "paper with notes": "p/2602.90031.html",
    "topic": "t/rl.html",
    "institution": "i/eth-zurich.html",
    "author": "a/octavio-figueroa.html",
    "archive": "archive.html",
    "trends": "trends.html",
    "search": "search.html",
    "data": "data.html",
    "my papers": "my.html",
    "reading": f"reading/{DAY}.html",
    "reading tasks": "reading/index.html",
}
"""A page of each kind, by its path below a language. What holds for any page is tried on each."""


def having(papers: list[dict[str, Any]], *topics: str, match: Any = any) -> list[str]:
    """The ids of the papers that have any of the topics, or another `match` of them."""
    found = []
    for paper in papers:
        names = list(map(str.lower, paper["topics"]["names"]))
        if match(topic in names for topic in topics):
            found.append(paper["id"])
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_asks_no_one_but_for_pictures_and_says_nothing_in_the_console(
    visit: Visit, lang: str, path: str
):
    page = visit.open(f"{lang}/{path}")
    page.locator("details").evaluate_all("all => all.forEach((node) => { node.open = true; })")
    for picture in page.locator("img").all():
        picture.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert visit.outside <= {*IMAGE_SOURCES}
    assert bool(visit.outside) == (path.split("/")[0] in ("d", "p", "index.html"))
    assert visit.said == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_scripts_every_text_is_there_in_the_order_of_votes(
    browser: Browser, site: str, papers, lang: str
):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.route(
        lambda url: not url.startswith(site), lambda route: route.abort()
    )  # and without any picture
    page.goto(f"{site}/{lang}/d/{DAY}.html")
    assert shown(page) == [
        paper["id"] for paper in sorted(papers, key=lambda paper: -paper["upvotes"])
    ]
    words = " ".join(page.locator("main").inner_text().split())
    for paper in papers:
        text = setter(lang)(paper["summaries"][lang]["text"])
        assert " ".join(text.split()) in words
    assert page.locator(".filter, .update, .theme").evaluate_all(
        "all => all.map((node) => node.checkVisibility())"
    ) == [
        False,
        False,
        False,
    ]
    context.close()


class TestFilter:
    def test_topics_by_mouse(self, visit: Visit, papers):
        page = unfolded(visit.open(f"en/d/{DAY}.html"))
        everything = shown(page)
        for topic in ("benchmark", "low_resource"):
            count = page.locator(f"label:has([value={topic}]) small").inner_text()
            assert int(count) == len(having(papers, topic))
        expect(page.locator(".match")).to_be_hidden()
        page.locator("[value=benchmark]").check()
        assert shown(page) == having(papers, "benchmark")
        page.locator("[value=low_resource]").check()
        assert shown(page) == having(papers, "benchmark", "low_resource")
        page.get_by_label("all of these topics").check()
        assert shown(page) == having(papers, "benchmark", "low_resource", match=all) != []
        entries = page.locator(".contents li:visible a").evaluate_all(
            "all => all.map((node) => node.hash)"
        )
        assert entries == [f"#p-{paper}" for paper in shown(page)]
        page.get_by_role("button", name="Reset").click()
        expect(page.locator("article:visible")).to_have_count(len(everything))
        assert shown(page) == everything
        expect(page.get_by_label("Keywords")).to_be_focused()
        page.wait_for_url(lambda url: "?" not in url)
        assert visit.said == []

    def test_institution_words_and_order_by_mouse(self, visit: Visit, papers):
        page = unfolded(visit.open(f"en/d/{DAY}.html"))
        page.get_by_label("Institution").select_option("charles-university")
        assert (
            shown(page)
            == [paper["id"] for paper in papers if "Charles University" in paper["affiliations"]]
            != []
        )
        page.get_by_role("button", name="Reset").click()
        page.get_by_label("Keywords").fill("AUTONOMA  mexico")
        assert shown(page) == [
            paper["id"]
            for paper in papers
            if "Universidad Nacional Autónoma de México" in paper["affiliations"]
        ]
        page.get_by_label("Keywords").fill("nothing has these words")
        assert shown(page) == []
        expect(page.get_by_role("status").first).to_have_text("No papers on this day match.")
        page.get_by_label("Keywords").fill("")
        for label, key in (
            ("Time of listing", "listed_at"),
            ("Date on arXiv", "published_at"),
            ("Votes", "upvotes"),
        ):
            page.get_by_label("Sort by").select_option(label)
            assert shown(page) == [
                paper["id"] for paper in sorted(papers, key=lambda paper: paper[key], reverse=True)
            ]

    def test_everything_by_keyboard(self, visit: Visit, papers):
        page = visit.open(f"en/d/{DAY}.html")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        tabbed_to(page, ".filter summary")
        page.keyboard.press("Enter")
        tabbed_to(page, "[name=q]")
        page.keyboard.type("model")
        page.keyboard.press("Enter")  # sends nothing anywhere
        assert 0 < len(shown(page)) < len(papers)
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.press("Delete")
        tabbed_to(page, "[name=institution]")
        page.keyboard.type("Charles")
        assert shown(page) == [
            paper["id"] for paper in papers if "Charles University" in paper["affiliations"]
        ]
        page.keyboard.press("Home")
        tabbed_to(page, "[name=sort]")
        page.keyboard.press("End")
        assert shown(page) == [
            paper["id"]
            for paper in sorted(papers, key=lambda paper: paper["published_at"], reverse=True)
        ]
        page.keyboard.press("Home")
        for topic in ("benchmark", "low_resource"):
            tabbed_to(page, f"[value={topic}]")
            page.keyboard.press("Space")
        tabbed_to(page, "[name=match]")
        page.keyboard.press("ArrowRight")
        assert shown(page) == having(papers, "benchmark", "low_resource", match=all)
        tabbed_to(page, "[type=reset]")
        page.keyboard.press("Enter")
        expect(page.locator("article:visible")).to_have_count(len(papers))

    def test_the_choice_is_in_the_address_and_comes_back_from_it(
        self, visit: Visit, papers, browser: Browser
    ):
        page = unfolded(visit.open(f"ru/d/{DAY}.html?from=friend"))
        page.locator("[value=benchmark]").check()
        page.locator("[value=low_resource]").check()
        page.locator("[name=match][value=all]").check()
        page.locator("[name=sort]").select_option("published")
        page.locator("[name=q]").fill(" language ")
        page.wait_for_url("**q=language**")
        assert parse_qs(urlsplit(page.url).query) == {
            "from": ["friend"],
            "q": ["language"],
            "sort": ["published"],
            "topic": ["benchmark", "low_resource"],
            "match": ["all"],
        }
        there = shown(page)
        friend = browser.new_context().new_page()
        Visit(friend, visit.site)
        friend.goto(page.url)
        assert shown(friend) == there == having(papers, "benchmark", "low_resource", match=all)
        assert friend.locator("[name=q]").input_value() == "language"
        friend.get_by_role("link", name="English").click()  # the same choice in another language
        assert urlsplit(friend.url).query == urlsplit(page.url).query
        assert friend.locator("html").get_attribute("lang") == "en"
        friend.context.close()

    def test_back_and_forward_bring_back_the_choice(self, visit: Visit, papers):
        page = unfolded(visit.open(f"en/d/{DAY}.html"))
        page.locator("[value=benchmark]").check()
        page.wait_for_url("**?topic=benchmark")
        page.locator("article:visible .anchor").first.click()
        page.locator("[value=benchmark]").uncheck()
        page.wait_for_url(lambda url: "?" not in url)
        assert len(shown(page)) == len(papers)
        page.go_back()
        assert shown(page) == having(papers, "benchmark")
        expect(page.locator("[value=benchmark]")).to_be_checked()
        page.go_forward()
        assert len(shown(page)) == len(papers)

    def test_what_an_address_asks_for_in_vain_is_no_error(self, visit: Visit, papers):
        page = visit.open(
            f"en/d/{DAY}.html?institution=nowhere&topic=none&sort=luck&match=perhaps#p-0000.00000"
        )
        assert len(shown(page)) == len(papers)
        assert visit.said == []

    @pytest.mark.parametrize(
        ("lang", "one", "more"),
        [
            ("ru", "Показана 1 статья", "Показаны 3 статьи"),
            ("en", "Showing 1 paper", "Showing 3 papers"),
            ("zh", "显示 1 篇论文", "显示 3 篇论文"),
        ],
    )
    def test_the_number_of_hits_is_announced_in_the_right_plural(
        self, visit: Visit, lang: str, one: str, more: str
    ):
        page = visit.open(f"{lang}/d/{DAY}.html")
        status = page.get_by_role("status").first
        expect(status).to_have_text("")
        unfolded(page)
        page.locator("[value=video]").check()
        expect(status).to_have_text(one)
        page.locator("[value=video]").uncheck()
        page.locator("[value=benchmark]").check()
        expect(status).to_have_text(more)


class TestMasthead:
    def test_the_theme_is_the_systems_until_it_is_switched_and_is_remembered(
        self, browser: Browser, site: str
    ):
        context = browser.new_context(color_scheme="dark")
        visit = Visit(context.new_page(), site)
        page = visit.open(f"en/d/{DAY}.html")
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        dark = page.evaluate(ground)
        page.get_by_role("button", name="Light theme").click()
        light = page.evaluate(ground)
        assert (dark, light) == ("rgb(21, 24, 27)", "rgb(252, 252, 250)")
        page.reload()
        assert page.evaluate(ground) == light
        tabbed_to(page, ".theme")
        page.keyboard.press("Enter")
        assert page.evaluate(ground) == dark
        context.close()

    def test_the_language_is_kept_and_the_page_too(self, visit: Visit):
        page = visit.open(f"ru/d/{DAY}.html")
        page.get_by_role("link", name="中文").click()
        assert page.url == f"{visit.site}/zh/d/{DAY}.html"
        visit.open("index.html")
        page.wait_for_url(f"{visit.site}/zh/index.html")

    def test_places_of_the_site_are_named_and_the_one_that_is_open_is_marked(self, visit: Visit):
        page = visit.open("en/index.html")
        places = page.get_by_role("navigation", name="Pages").get_by_role("link")
        assert places.all_inner_texts() == [
            "Today",
            "Archive",
            "Trends",
            "Search",
            "Reading",
            "My papers",
        ]
        assert [place.get_attribute("aria-current") for place in places.all()] == [
            "page",
            None,
            None,
            None,
            None,
            None,
        ]

    @pytest.mark.parametrize("lang", LANGUAGES)
    @pytest.mark.parametrize("width", [320, 390])
    def test_on_a_phone_nothing_sticks_out_and_the_masthead_is_two_lines(
        self, browser: Browser, site: str, lang: str, width: int
    ):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, is_mobile=True, has_touch=True
        )
        visit = Visit(context.new_page(), site)
        page = unfolded(visit.open(f"{lang}/d/{DAY}.html"))
        assert page.evaluate("document.documentElement.scrollWidth") == width
        if width == 390:
            tops = [
                page.locator(selector).bounding_box()
                for selector in (".site", ".languages", ".theme", ".places")
            ]
            middles = [round(box["y"] + box["height"] / 2) for box in tops]
            assert (
                middles[0] == pytest.approx(middles[1], abs=3) == pytest.approx(middles[2], abs=3)
            )
            assert middles[3] > middles[0]
        for control in page.locator(
            "summary:visible, .filter input:visible, select, .theme, .places a, .links a"
        ).all():
            box = control.bounding_box()
            assert box["height"] >= 43.5, control
        context.close()


@pytest.mark.parametrize(
    ("now", "zone", "said"),
    [
        ("2026-03-04T15:30:00Z", "Europe/Moscow", "Next update: 19:00"),
        ("2026-03-04T15:30:00Z", "America/New_York", "Next update: 11:00"),
        ("2026-03-06T23:10:00Z", "UTC", "Next update: Monday, 00:00"),
        ("2026-03-04T22:00:00Z", "Asia/Tokyo", "Next update: 09:00"),
    ],
)
def test_the_next_update_is_told_in_the_visitors_time(
    browser: Browser, site: str, now: str, zone: str, said: str
):
    context = browser.new_context(timezone_id=zone)
    visit = Visit(context.new_page(), site)
    visit.page.clock.install(time=datetime.fromisoformat(now))
    update = visit.open("en/index.html").locator(".update")
    expect(update).to_be_visible()
    told = update.inner_text().replace("\u202f", " ")
    assert twenty_four(told) == said
    at = datetime.fromisoformat(update.locator("time").get_attribute("datetime"))
    assert (at.hour % 2, at.minute, at.weekday() < 5, at > datetime.fromisoformat(now)) == (
        0,
        0,
        True,
        True,
    )
    expect(visit.open(f"en/d/{DAY}.html").locator(".update")).to_be_hidden()  # a day that is over
    visit.page.clock.set_fixed_time(datetime(2026, 3, 2, 12, 30, tzinfo=UTC))
    expect(visit.open(f"en/d/{DAY}.html").locator(".update")).to_be_visible()
    context.close()


def twenty_four(told: str) -> str:
    """The text with its 12-hour times in 24-hour form."""
    return re.sub(
        r"(\d\d?):(\d\d) ([AP])M",
        lambda clock: f"{int(clock[1]) % 12 + 12 * (clock[3] == 'P'):02}:{clock[2]}",
        told.replace(" at ", " "),
    )


class TestShare:
    def test_the_address_of_the_papers_page_is_copied(self, visit: Visit, papers):
        visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = visit.open(f"en/d/{DAY}.html")
        page.get_by_role("link", name="Share").first.click()
        expect(page.locator(".said")).to_have_text("Link copied.")
        assert (
            page.evaluate("navigator.clipboard.readText()")
            == f"{visit.site}/en/p/{papers[0]['id']}.html"
        )
        assert page.url.endswith(f"/d/{DAY}.html")

    def test_a_phone_shares_it_by_its_own_means(self, browser: Browser, site: str, papers):
        context = browser.new_context(is_mobile=True, has_touch=True)
        visit = Visit(context.new_page(), site)
        visit.page.add_init_script(
            "navigator.share = async (what) => { window.shared = what.url; }"
        )
        page = visit.open(f"en/d/{DAY}.html")
        page.get_by_role("link", name="Share").first.tap()
        assert page.evaluate("window.shared") == f"{site}/en/p/{papers[0]['id']}.html"
        context.close()

    def test_where_neither_can_be_done_the_link_leads_there(self, visit: Visit, papers):
        visit.page.add_init_script(
            "Object.defineProperty(navigator, 'clipboard', { value: undefined });"
        )
        page = visit.open(f"en/d/{DAY}.html")
        page.get_by_role("link", name="Share").first.click()
        page.wait_for_url(f"{visit.site}/en/p/{papers[0]['id']}.html")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", [*PAGES.values(), "../404.html"], ids=[*PAGES, "404"])
def test_axe_finds_nothing_wrong_in_either_theme(browser: Browser, site: str, lang: str, path: str):
    context = browser.new_context(bypass_csp=True)  # for axe's own script
    page = Visit(context.new_page(), site).open(f"{lang}/{path}")
    page.locator("details").evaluate_all("all => all.forEach((node) => { node.open = true; })")
    for topic in page.locator("input[name=topic]").all()[:2]:
        topic.check()
    for scheme, width in (("light", 1440), ("dark", 1440), ("light", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.response["violations"] == [], f"{scheme}, {width}: {found.generate_report()}"
    context.close()


def test_print_has_the_texts_without_the_controls(visit: Visit, papers):
    page = visit.open(f"en/d/{DAY}.html")
    page.emulate_media(media="print")
    assert len(shown(page)) == len(papers)
    for control in ("filter", "theme", "languages", "places", "contents"):
        assert page.locator(f".{control}:visible").count() == 0
