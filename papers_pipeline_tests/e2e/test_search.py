"""The search in a browser: an inflected word, one inside a Chinese sentence, an author."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from upath import UPath

from papers_pipeline.site.parts.search_page import search_pages
from papers_pipeline.site.render import static_files
from papers_pipeline.site.search import write_index
from papers_pipeline_tests.helpers.pages import renderer
from papers_pipeline_tests.helpers.serving import served
from papers_pipeline_tests.site.search_site import HTML, write_papers


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the site is served: below a path of a larger one."""
    root = tmp_path_factory.mktemp("www")
    site = root / "papers" / "digest"
    write_papers(site)
    (root / "favicon.ico").touch()  # browsers ask for it by themselves
    for page in search_pages(renderer(), None, None):
        (site / page.path).write_text(page.make(), encoding="utf-8")
    for path, data in static_files().items():
        (site / path).parent.mkdir(exist_ok=True)
        (site / path).write_bytes(data)
    write_index(UPath(site), tuple(HTML), ())
    with served(root) as server:
        yield f"{server}/papers/digest"


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page whose console has to stay silent."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert said == []


@pytest.mark.parametrize(
    ("language", "query", "count", "title", "marked"),
    [
        ("ru", "модели", "Найдена 1 статья", "Мосты учатся считать ветер", ["Модель"]),
        ("ru", "мостами", "Найдена 1 статья", "Мосты учатся считать ветер", []),
        ("zh", "强化学习", "找到 1 篇论文", "桥梁学会计算风", None),
        ("zh", "“强化学习”", "找到 1 篇论文", "桥梁学会计算风", None),
        ("ru", "«ветер считать»", "Ничего не найдено.", None, None),
        ("en", "2603.00002", "1 paper found", "A robot folds cloth by touch", None),
        ("zh", "触觉", "找到 1 篇论文", "机器人凭触觉折叠布料", []),
        ("en", "lindqvist", "1 paper found", "A robot folds cloth by touch", ["Lindqvist"]),
        ("ru", "Okonkwo", "Найдена 1 статья", "Мосты учатся считать ветер", ["Okonkwo"]),
    ],
)
def test_a_paper_is_found_by(
    page: Page,
    address: str,
    language: str,
    query: str,
    count: str,
    title: str | None,
    marked: list[str] | None,
):
    page.goto(f"{address}/{language}/search.html")
    page.locator("#query").press_sequentially(query)
    expect(page.locator(".found")).to_have_text(count)
    assert page.locator(".results h2").all_inner_texts() == ([title] if title else [])
    if title is None:
        return
    if marked is not None:
        assert [
            text.strip(" .") for text in page.locator(".excerpt mark").all_inner_texts()
        ] == marked
    assert f"q={query}" in page.evaluate("decodeURI(location.search)")
    page.locator(".results a").click()
    expect(page.locator("h1")).to_have_text(title)
    assert page.url.startswith(f"{address}/{language}/p/")


def test_the_query_and_topic_of_the_address_are_asked_at_once(page: Page, address: str):
    page.goto(f"{address}/en/search.html?q=cloth&topic=rag")
    expect(page.locator(".found")).to_have_text("1 paper found")
    assert page.locator("#query").input_value() == "cloth"
    assert page.locator("#topic").input_value() == "rag"
    page.locator("#query").fill("")
    expect(page.locator(".found")).to_have_text("2 papers found")
    page.locator("#query").fill("giraffes")
    expect(page.locator(".found")).to_have_text("Nothing found.")
    assert page.locator(".results li").count() == 0


def test_without_scripts_the_page_says_where_else_to_look(browser: Browser, address: str):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/en/search.html")
    expect(page.locator("noscript p")).to_contain_text("Search needs JavaScript.")
    expect(page.locator("form")).to_be_hidden()
    context.close()
