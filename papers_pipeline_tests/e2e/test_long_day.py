"""A day of many papers: its page loads abstracts from the papers' own pages on demand."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.generated import issues
from benchmarks.whole_site import Writers
from papers_pipeline.records import DailyIssue
from papers_pipeline.site.render import static_files
from papers_pipeline_tests.e2e.visiting import Visit, tabbed_to
from papers_pipeline_tests.helpers.serving import served


@pytest.fixture(scope="module")
def day() -> DailyIssue:
    return next(issues(1, 40))


@pytest.fixture(scope="module")
def site(day: DailyIssue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site of this day, below a path."""
    root = tmp_path_factory.mktemp("www")
    writers = Writers(root / "below")
    writers.write([day])
    for path, data in static_files().items():
        (writers.folder / path).parent.mkdir(exist_ok=True)
        (writers.folder / path).write_bytes(data)
    with served(root) as address:
        yield f"{address}/below/site"


@pytest.mark.parametrize("lang", ["ru", "en", "zh"])
def test_an_abstract_is_brought_when_it_is_asked_for(page, site: str, day: DailyIssue, lang: str):
    visit = Visit(page, site)
    visit.open(f"{lang}/d/{day.date}.html")
    paper = day.papers[7]
    article = page.locator(f"[data-arxiv-id='{paper.arxiv_id}']")
    assert paper.abstract not in article.inner_text()
    article.locator("a.abstract").click()
    fold = article.locator("details.abstract[open]")
    expect(fold.locator("p")).to_have_text(paper.abstract)
    expect(fold.locator("summary")).to_be_focused()
    assert fold.locator("p").get_attribute("lang") == (None if lang == "en" else "en")
    assert page.url.endswith(f"/{lang}/d/{day.date}.html")
    tabbed_to(page, "a.abstract")  # the next one, by keyboard
    page.keyboard.press("Enter")
    expect(page.locator("details.abstract[open]")).to_have_count(2)
    assert visit.said == []


def test_where_it_cannot_be_brought_the_link_leads_to_it(page, site: str, day: DailyIssue):
    visit = Visit(page, site)
    page.add_init_script("window.fetch = () => Promise.reject(new TypeError('offline'));")
    visit.open(f"en/d/{day.date}.html")
    page.locator("a.abstract").first.click()
    page.wait_for_url(f"**/en/p/{day.papers[0].arxiv_id}.html")


def test_without_scripts_the_link_leads_to_it(browser: Browser, site: str, day: DailyIssue):
    context = browser.new_context(java_script_enabled=False)
    page = Visit(context.new_page(), site).page
    page.goto(f"{site}/ru/d/{day.date}.html")
    page.locator("a.abstract").first.click()
    page.wait_for_url(f"**/ru/p/{day.papers[0].arxiv_id}.html")
    page.locator("details.abstract summary").click()
    expect(page.locator("details.abstract p")).to_have_text(day.papers[0].abstract)
    context.close()
