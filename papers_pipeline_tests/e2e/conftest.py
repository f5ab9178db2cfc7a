"""A headless browser, Debian's Chromium driven by Playwright, and this machine's Dagster."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from papers_pipeline import home
from papers_pipeline.settings import load_settings

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests. Each test keeps its data in a context of its own."""
    found = next((path for path in CHROMIUM if Path(path).exists()), None)
    assert found, f"no browser: install Debian's chromium ({', '.join(CHROMIUM)})"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own: no cookies, storage or cache of another test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """The instance on disk, which a `dg dev` of the test shares."""
    with home.instance(load_settings()) as opened:
        yield opened
