"""The search index covers the paper pages, and is replaced as a whole if one changed."""

import json
from pathlib import Path

import pytest
from upath import UPath

from papers_pipeline.site import search
from papers_pipeline.site.parts.search_page import search_pages
from papers_pipeline.site.search import SearchError, write_index
from papers_pipeline.store import files as storage
from papers_pipeline_tests.helpers.pages import LANGUAGES, renderer
from papers_pipeline_tests.site.search_site import HTML, PAPERS, write_papers

FIRST, SECOND = PAPERS


def files(site: Path) -> dict[str, bytes]:
    folder = site / "pagefind"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_language_has_its_papers_and_nothing_else(tmp_path: Path):
    write_papers(tmp_path)
    (tmp_path / "ru" / "d").mkdir()
    (tmp_path / "ru" / "d" / "2026-03-02.html").write_text(
        '<html lang="ru"><article data-pagefind-body>День</article>'
    )
    searched, changed = write_index(UPath(tmp_path), tuple(HTML), ())
    assert [(row.language, row.pages) for row in searched] == [(lang, 2) for lang in HTML]
    made = files(tmp_path)
    assert changed == len(made)
    entry = json.loads(made["pagefind-entry.json"])
    pages = {html: language["page_count"] for html, language in entry["languages"].items()}
    assert pages == {html.lower(): 2 for html in HTML.values()}
    assert {
        "pagefind.js",
        "pagefind-worker.js",
        "wasm.ru.pagefind",
        "wasm.en.pagefind",
    } <= made.keys()
    assert not [name for name in made if "ui" in name or "highlight" in name]


def test_nothing_is_done_while_no_page_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_papers(tmp_path)
    searched, _ = write_index(UPath(tmp_path), tuple(HTML), ())
    monkeypatch.setattr(search, "get_executable", lambda: pytest.fail("pagefind was run"))
    assert write_index(UPath(tmp_path), tuple(HTML), searched) == (searched, 0)


def test_a_lost_index_is_made_again(tmp_path: Path):
    write_papers(tmp_path, FIRST)
    searched, _ = write_index(UPath(tmp_path), tuple(HTML), ())
    (tmp_path / "pagefind" / "pagefind-entry.json").unlink()
    again, changed = write_index(UPath(tmp_path), tuple(HTML), searched)
    assert again == searched
    assert changed >= 1
    assert (tmp_path / "pagefind" / "pagefind-entry.json").exists()


def test_what_belongs_to_an_earlier_index_goes(tmp_path: Path):
    write_papers(tmp_path)
    before, _ = write_index(UPath(tmp_path), tuple(HTML), ())
    fragments = {name for name in files(tmp_path) if name.startswith("fragment/")}
    for language in HTML:
        (tmp_path / language / "p" / f"{SECOND}.html").unlink()
    after, _ = write_index(UPath(tmp_path), tuple(HTML), before)
    kept = {name for name in files(tmp_path) if name.startswith("fragment/")}
    assert [row.pages for row in after] == [1] * len(HTML)
    assert len(fragments) == 2 * len(HTML)
    assert len(kept) == len(HTML)
    assert kept < fragments


def test_a_site_without_papers_has_no_index(tmp_path: Path):
    write_papers(tmp_path, FIRST)
    before, _ = write_index(UPath(tmp_path), tuple(HTML), ())
    for language in HTML:
        (tmp_path / language / "p" / f"{FIRST}.html").unlink()
    assert write_index(UPath(tmp_path), tuple(HTML), before)[0] == []
    assert files(tmp_path) == {}
    assert write_index(UPath(tmp_path), tuple(HTML), ()) == ([], 0)


def test_the_index_stays_when_pagefind_cannot_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_papers(tmp_path, FIRST)
    write_index(UPath(tmp_path), tuple(HTML), ())
    before = files(tmp_path)
    write_papers(tmp_path, SECOND)
    for program, said in (("/nowhere/pagefind", "No such file"), ("/bin/false", "ended with 1")):
        monkeypatch.setattr(search, "get_executable", lambda program=program: program)
        with pytest.raises(SearchError, match=said):
            write_index(UPath(tmp_path), tuple(HTML), ())
        assert files(tmp_path) == before


def test_the_index_of_a_site_on_a_bucket_is_put_beside_its_pages(tmp_path: Path):
    write_papers(tmp_path)
    bucket = UPath("memory://bucket-of-test-search/site")
    for name in storage.listing(UPath(tmp_path)):
        storage.write(bucket / name, (tmp_path / name).read_bytes())
    searched, changed = write_index(bucket, tuple(HTML), ())
    assert [(row.language, row.pages) for row in searched] == [(lang, 2) for lang in HTML]
    write_index(UPath(tmp_path), tuple(HTML), ())
    assert storage.names(bucket / "pagefind") == storage.names(UPath(tmp_path) / "pagefind")
    assert changed == len(storage.listing(bucket / "pagefind"))
    assert write_index(bucket, tuple(HTML), searched) == (searched, 0)


def test_only_the_search_page_may_run_what_a_search_needs():
    made = {page.path: page.make() for page in search_pages(renderer(), None, None)}
    assert list(made) == [f"{lang}/search.html" for lang in LANGUAGES]
    assert all("script-src 'self' 'wasm-unsafe-eval';" in page for page in made.values())
    assert "wasm" not in renderer().language_index(None, "ru")
    assert '<noscript><p class="state">Search needs JavaScript.' in made["en/search.html"]
    assert 'href="archive.html"' in made["en/search.html"]
