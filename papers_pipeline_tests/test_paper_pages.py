"""Every paper page has one owner and the same content, whichever day is built last."""

import json
import shutil

import pytest

from papers_pipeline.records import SiteFile
from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import LANGUAGES, Outside, entry

pytestmark = pytest.mark.slow
MONDAY, TUESDAY, FAR = "2026-03-02", "2026-03-03", "2025-12-29"
OWN, BOTH, OTHER = "2603.10001", "2603.10002", "2603.10003"


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """The site has an address, so that cards are drawn."""
    monkeypatch.setenv("PAPERS_SITE_URL", "https://digest.example")


def owners(pipeline: Pipeline, arxiv_id: str) -> set[str]:
    """The run that writes a paper's pages and cards: a day, or `site`."""
    rows = {"site": pipeline.lake.read("site_index", None, SiteFile) or []}
    for day in pipeline.lake.partitions("daily_pages"):
        rows[day] = pipeline.lake.read("daily_pages", day, SiteFile) or []
    return {owner for owner, files in rows.items() for file in files if arxiv_id in file.path}


def own_pages(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if "/p/" in path or path.startswith("og/")}


def test_every_paper_has_a_page_and_a_card_in_every_language(
    outside: Outside, pipeline: Pipeline, published
):
    outside.list(MONDAY, [entry(OWN), entry(OTHER)])
    pipeline.build(MONDAY)
    expected = set()
    for language in LANGUAGES:
        expected |= {f"{language}/p/{OWN}.html", f"{language}/p/{OTHER}.html"}
        expected |= {f"{language}/p/{OWN}.md", f"{language}/p/{OTHER}.md"}
        expected |= {f"og/{language}/{OWN}.png", f"og/{language}/{OTHER}.png"}
    assert own_pages(pipeline.files()).keys() == expected
    assert owners(pipeline, OWN) == {MONDAY}


def test_without_an_address_no_card_is_drawn(outside: Outside, pipeline: Pipeline):
    outside.list(MONDAY, [entry(OWN)])
    pipeline.build(MONDAY)
    assert own_pages(pipeline.files()).keys() == {
        f"{language}/p/{OWN}.{ending}" for language in LANGUAGES for ending in ("html", "md")
    }


@pytest.mark.parametrize("other", [TUESDAY, FAR])
def test_a_paper_on_two_days_has_one_owner_and_one_page_whichever_day_is_built_last(
    outside: Outside, pipeline: Pipeline, other: str
):
    # No words in common: a paper of an earlier day that is built later is a new relation.
    own, both, third = (
        {"title": title, "summary": title}
        for title in ("Gusts over bridges", "Poker bluffs", "Folded proteins")
    )
    outside.list(MONDAY, [entry(OWN, **own), entry(BOTH, **both)])
    pipeline.build(MONDAY)
    assert owners(pipeline, BOTH) == {MONDAY}
    outside.list(other, [entry(OTHER, **third), entry(BOTH, **both, upvotes=40)])
    pipeline.build(other)
    page = pipeline.files()[f"en/p/{BOTH}.html"].decode()
    assert f"d/{MONDAY}.html#p-{BOTH}" in page
    assert f"d/{other}.html#p-{BOTH}" in page
    assert "▲ 40" in page
    before = pipeline.files()
    for day in (MONDAY, other):
        pipeline.build(day)
        assert pipeline.files() == before
    assert owners(pipeline, BOTH) == {"site"}
    assert (owners(pipeline, OWN), owners(pipeline, OTHER)) == ({MONDAY}, {other})


def test_two_days_of_one_build_agree_from_the_first_on(outside: Outside, pipeline: Pipeline):
    outside.list(MONDAY, [entry(OWN), entry(BOTH)])
    outside.list(TUESDAY, [entry(BOTH)])
    pipeline.build(MONDAY, TUESDAY)
    assert owners(pipeline, BOTH) == {"site"}
    assert {f"{language}/p/{BOTH}.html" for language in LANGUAGES} <= pipeline.files().keys()


def test_the_page_of_a_paper_that_moves_follows_it(outside: Outside, pipeline: Pipeline, published):
    outside.list(MONDAY, [entry(OWN), entry(BOTH)])
    pipeline.build(MONDAY, at=f"{MONDAY}T18:00")
    before = own_pages(pipeline.files())
    outside.list(MONDAY, [entry(OWN)])
    outside.list(TUESDAY, [entry(BOTH)])
    pipeline.build(MONDAY, TUESDAY, at="2026-03-04T06:00")
    after = own_pages(pipeline.files())
    assert after.keys() == before.keys()
    changed = {path for path in after if after[path] != before[path]}
    assert changed >= {f"{language}/p/{BOTH}.html" for language in LANGUAGES}
    assert changed >= {f"og/{language}/{BOTH}.png" for language in LANGUAGES}
    page = after[f"en/p/{BOTH}.html"].decode()
    assert 'class="mark"' not in page
    assert f"d/{TUESDAY}.html#p-{BOTH}" in page


def test_a_related_paper_of_an_earlier_day_is_linked(outside: Outside, pipeline: Pipeline):
    words = {
        "title": "Sensor bridges foresee gusts",
        "summary": "A bridge of sensors foresees gusts of wind.",
    }
    outside.list(MONDAY, [entry(OWN, **words), entry(BOTH)])
    outside.list(TUESDAY, [entry(OTHER, **words)])
    pipeline.build(MONDAY, TUESDAY)
    files = pipeline.files()
    assert f'href="../../en/p/{OWN}.html"' in files[f"en/p/{OTHER}.html"].decode()
    assert OTHER not in files[f"en/p/{OWN}.html"].decode()


def by(*names: str) -> dict[str, list[dict[str, str]]]:
    return {"authors": [{"name": name} for name in names]}


def test_the_name_of_an_author_with_another_paper_leads_to_the_authors_page(
    outside: Outside, pipeline: Pipeline
):
    outside.list(MONDAY, [entry(OWN, **by("Ada Example", "Bo Sample", "Cy Alone"))])
    outside.list(TUESDAY, [entry(OTHER, **by("Bo Sample", "Dee Alone", "Ada Example"))])
    pipeline.build(MONDAY, TUESDAY)
    files = pipeline.files()
    for arxiv_id in (OWN, OTHER):
        page = files[f"zh/p/{arxiv_id}.html"].decode()
        for name in ("ada-example", "bo-sample"):
            assert f'href="../../zh/a/{name}.html"' in page
            assert f"zh/a/{name}.html" in files
        assert page.count("/a/") == 2
    pipeline.build(MONDAY, TUESDAY)
    assert pipeline.files() == files


def test_a_day_built_before_there_were_relations_has_its_pages(
    outside: Outside, pipeline: Pipeline
):
    outside.list(MONDAY, [entry(OWN)])
    pipeline.build(MONDAY)
    before = pipeline.files()
    pipeline.lake.path("related_papers", MONDAY).unlink()
    pipeline.build(MONDAY, only=("daily_pages",))
    after = pipeline.files()
    words = f"words/{MONDAY}.json"
    assert list(json.loads(before.pop(words))["papers"]) == [OWN]
    assert json.loads(after.pop(words))["papers"] == {}
    assert after == before


@pytest.mark.parametrize("far", [MONDAY, FAR])
def test_a_shared_paper_keeps_its_pages_when_a_third_day_is_built_without_its_lists(
    outside: Outside, pipeline: Pipeline, far: str
):
    wednesday = "2026-03-04"
    outside.list(far, [entry(OWN, upvotes=3), entry(BOTH)])
    outside.list(TUESDAY, [entry(BOTH), entry(OTHER)])
    outside.list(wednesday, [entry("2603.10004")])
    pipeline.build(far, TUESDAY, wednesday)
    before = pipeline.files()
    (pipeline.data / "lake" / "feed_listing" / f"{far}.parquet").write_bytes(b"")
    (pipeline.data / "lake" / "feed_listing" / f"{TUESDAY}.parquet").unlink()
    shutil.rmtree(pipeline.data / "lake" / "paper_votes")
    outside.list(wednesday, [entry("2603.10004"), entry("2603.10005")])
    pipeline.build(wednesday)
    after = pipeline.files()
    for path in own_pages(before):
        if "2603.10004" not in path:
            assert after.get(path) == before[path]
    assert after[f"en/d/{far}.html"] == before[f"en/d/{far}.html"]
