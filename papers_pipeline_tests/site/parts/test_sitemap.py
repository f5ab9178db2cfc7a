"""The sitemap lists all pages, and `404.html` leads back from any address."""

from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urljoin
from xml.etree import ElementTree

import pytest

from papers_pipeline.site.parts import sitemap
from papers_pipeline_tests.helpers.pages import (
    LANGUAGES,
    LOCALES,
    elements,
    links,
    renderer,
    text_of,
    written,
)
from papers_pipeline_tests.site.index_site import URL, IndexSite, everywhere, on

ONE, TWO = date(2025, 12, 31), date(2026, 1, 2)
DAYS = {ONE: [on(ONE, "2512.00001")], TWO: [on(TWO, "2601.00001")]}
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
PAGES = (
    *("index.html", "archive.html", "trends.html", "reading/index.html", "search.html"),
    "data.html",
    *("p/2512.00001.html", "p/2601.00001.html", "d/2025-12-31.html", "d/2026-01-02.html"),
    *("m/2025-12.html", "m/2026-01.html", "w/2026-W01.html", "t/rl.html", "t/small_models.html"),
    *("i/institute-of-invented-bridges.html", "a/ada-example.html", "a/bo-sample.html"),
)


def entries(text: str) -> dict[str, str]:
    """Each URL of a sitemap with its day."""
    root = ElementTree.fromstring(text)
    assert root.tag == MAP + "urlset"
    return {url.findtext(MAP + "loc"): url.findtext(MAP + "lastmod") for url in root}


def test_the_sitemap_names_every_page_in_every_language(tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    site.write(DAYS)
    found = entries(site.read("sitemap.xml"))
    assert found.keys() == {f"{URL}/{path}" for path in everywhere(*PAGES)}
    assert found[f"{URL}/ru/d/2025-12-31.html"] == "2025-12-31"
    assert found[f"{URL}/zh/t/rl.html"] == found[f"{URL}/zh/index.html"] == "2026-01-02"
    assert site.read("robots.txt") == f"User-agent: *\nAllow: /\nSitemap: {URL}/sitemap.xml\n"


def test_a_page_is_as_new_as_the_newest_text_on_it(tmp_path: Path):
    late = written("zh").model_copy(update={"created_at": datetime(2026, 2, 3, 9, tzinfo=UTC)})
    paper = DAYS[ONE][0]
    site = IndexSite(tmp_path, URL)
    site.write(
        {**DAYS, ONE: [paper.model_copy(update={"summaries": paper.summaries | {"zh": late}})]}
    )
    found = entries(site.read("sitemap.xml"))
    days = {path: found[f"{URL}/en/{path}"] for path in PAGES}
    assert {path for path, day in days.items() if day == "2026-02-03"} == {
        *("index.html", "archive.html", "trends.html", "reading/index.html", "search.html"),
        "data.html",
        *("p/2512.00001.html", "d/2025-12-31.html", "m/2025-12.html"),
        *("w/2026-W01.html", "t/rl.html", "t/small_models.html"),
        *("i/institute-of-invented-bridges.html", "a/ada-example.html", "a/bo-sample.html"),
    }


def test_more_pages_than_one_file_may_have_are_split_with_the_oldest_first(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(sitemap, "MOST_URLS", 18)  # six pages in three languages
    site = IndexSite(tmp_path, URL)
    site.write(DAYS)
    root = ElementTree.fromstring(site.read("sitemap.xml"))
    files = [file.findtext(MAP + "loc").removeprefix(f"{URL}/") for file in root]
    assert (root.tag, files) == (
        MAP + "sitemapindex",
        ["sitemap-1.xml", "sitemap-2.xml", "sitemap-3.xml"],
    )
    parts = [entries(site.read(file)) for file in files]
    assert [len(part) for part in parts] == [18, 18, 18]
    assert {url for part in parts for url in part} == {
        f"{URL}/{path}" for path in everywhere(*PAGES)
    }
    assert f"{URL}/en/p/2512.00001.html" in parts[0]


def test_without_an_address_there_is_no_sitemap_and_robots_are_told_of_none(tmp_path: Path):
    site = IndexSite(tmp_path)
    site.write(DAYS)
    assert "sitemap.xml" not in site.files
    assert site.read("robots.txt") == "User-agent: *\nAllow: /\n"


@pytest.mark.parametrize(
    ("url", "root"), [(URL, "https://digest.example/papers/"), ("https://a.example", "/")]
)
def test_links_of_a_page_that_is_not_there_work_below_any_path(url, root):
    page = renderer(url).not_found()
    (base,) = elements(page, "base")
    missing = urljoin(url, "/papers/en/d/none.html")
    targets = [
        urljoin(urljoin(missing, base.get("href")), link)
        for link in links(page)
        if link != base.get("href")
    ]
    assert targets[:2] == [
        urljoin(url, f"{root}static/{name}") for name in ("icon.svg", "site.css")
    ]
    assert set(targets[2:]) == {
        urljoin(url, f"{root}{lang}/{path}")
        for lang in LANGUAGES
        for path in ("index.html", "archive.html")
    }


def test_a_page_that_is_not_there_says_so_in_every_language():
    page = renderer().not_found()
    assert [text_of(heading) for tag in ("h1", "h2") for heading in elements(page, tag)] == [
        LOCALES[lang].text("missing.title") for lang in LANGUAGES
    ]
    assert [section.get("lang") for section in elements(page, "section")] == [
        LOCALES[lang].html for lang in LANGUAGES
    ]
    assert elements(page, "base") == []
    assert [link for link in links(page) if ":" in link or link.startswith("/")] == []
