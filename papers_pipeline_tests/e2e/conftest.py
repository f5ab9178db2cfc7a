"""A headless browser, the sample site that it visits, and this machine's Dagster.

The browser is Debian's Chromium, driven by Playwright.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from papers_pipeline import home
from papers_pipeline.settings import load_settings
from papers_pipeline_tests.e2e.visiting import DAY, Visit
from papers_pipeline_tests.helpers.serving import served

BELOW = "some/sub/path"

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
BUILD = """
import os, pathlib, sys
from papers_pipeline.sandbox import demo
demo.DATA = pathlib.Path(sys.argv[1])
enter = demo.enter

def enter_with_notes(url):
    enter(url)
    os.environ["PAPERS_NOTES_TOP"] = "2"

demo.enter = enter_with_notes
demo.main([])
"""
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


@pytest.fixture(scope="session")
def www(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample site below `BELOW`, as `make demo` builds it, and with notes."""
    folder = tmp_path_factory.mktemp("www")
    data = tmp_path_factory.mktemp("demo")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, data], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (folder / BELOW).parent.mkdir(parents=True)
    (folder / BELOW).symlink_to(data / "site")
    return folder


@pytest.fixture(scope="session")
def site(www: Path) -> Iterator[str]:
    """The address of the sample site."""
    with served(www) as address:
        yield f"{address}/{BELOW}"


@pytest.fixture(scope="session")
def papers(www: Path) -> list[dict[str, Any]]:
    """The papers of the public record of the day."""
    return json.loads((www / BELOW / "d" / f"{DAY}.json").read_text(encoding="utf-8"))["papers"]


@pytest.fixture
def visit(page: Page, site: str) -> Visit:
    return Visit(page, site)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """The instance on disk, which a `dg dev` of the test shares."""
    with home.instance(load_settings()) as opened:
        yield opened
