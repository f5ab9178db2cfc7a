"""A visit to a served site: what its pages request, what the console says, what a reader sees."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, Route

from papers_pipeline.site.version import PACKAGE
from papers_pipeline.text.locales import load_locales
from papers_pipeline_tests.helpers.outside import LANGUAGES

DAY = "2026-03-02"
"""The day of the sample site that most tests look at."""
LOCALES = load_locales(PACKAGE / "locales", LANGUAGES)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f030005fe02fea7358bb7"
    "0000000049454e44ae426082"
)


class Visit:
    """A page with a stub in place of the outside world, its requests and its console messages."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self.site = page, site
        self.outside: set[str] = set()
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        if route.request.url.startswith(self.site):
            route.continue_()
        else:
            parts = urlsplit(route.request.url)
            self.outside.add(f"{parts.scheme}://{parts.netloc}")
            assert "referer" not in route.request.headers
            route.fulfill(body=PIXEL, content_type="image/png")

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.site}/{path}")
        return self.page


def shown(page: Page) -> list[str]:
    """The arXiv ids of the visible papers, in page order."""
    return page.locator("article:visible").evaluate_all(
        "all => all.map((node) => node.dataset.arxivId)"
    )


def tabbed_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the Tab key does not lead to {selector}")


def unfolded(page: Page) -> Page:
    page.locator(".filter > details").evaluate("node => { node.open = true; }")
    return page
