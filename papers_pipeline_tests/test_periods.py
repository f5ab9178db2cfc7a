"""Months and weeks: building a day rebuilds its month and week, and no other."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import html5lib
import pytest
from dagster._core.test_utils import freeze_time

from papers_pipeline.defs.io_managers import lock_of
from papers_pipeline.runs import SITE_TAG
from papers_pipeline_tests.helpers.building import Pipeline, changed
from papers_pipeline_tests.helpers.outside import LANGUAGES, Outside, entry

MONDAY, TUESDAY, NEXT_MONTH = "2026-02-02", "2026-02-03", "2026-03-02"
IDS = [f"2602.{10001 + n}" for n in range(4)]


def in_every_language(*paths: str) -> set[str]:
    return {f"{language}/{path}" for language in LANGUAGES for path in paths}


def dangling(site: Path) -> Iterator[str]:
    """The links inside the site that lead to no file, or to no element of it."""
    pages = {
        path.resolve(): html5lib.HTMLParser(strict=True).parse(path.read_text())
        for path in site.rglob("*.html")
    }
    anchors = {path: {element.get("id") for element in tree.iter()} for path, tree in pages.items()}
    for path, tree in pages.items():
        for link in (
            element.get(name)
            for element in tree.iter()
            for name in ("href", "src")
            if element.get(name)
        ):
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            if "://" not in link and not (
                target.is_file() and (not anchor or anchor in anchors[target])
            ):
                yield f"{path}: {link}"


def site_runs(pipeline: Pipeline) -> list[tuple[str, str | None, str | None]]:
    """The job, partition and tag of every run that was not for a day, in order."""
    runs = [run for run in pipeline.instance.get_runs() if run.job_name != "build_day"]
    return [
        (run.job_name, run.tags.get("dagster/partition"), run.tags.get(SITE_TAG))
        for run in reversed(runs)
    ]


def test_a_day_brings_its_month_and_week(outside: Outside, pipeline: Pipeline):
    outside.list(MONDAY, [entry(IDS[0])])
    pipeline.build(MONDAY)
    assert in_every_language("m/2026-02.html", "w/2026-W06.html") <= pipeline.files().keys()
    assert f'href="../p/{IDS[0]}.html"' in pipeline.files()["en/m/2026-02.html"].decode()
    assert site_runs(pipeline) == [
        ("build_month", "2026-02-01", "1"),
        ("build_week", MONDAY, "1"),
        ("build_site", None, "1"),
    ]


def test_another_day_changes_the_pages_of_its_month_and_week_only(
    outside: Outside, pipeline: Pipeline
):
    for number, day in enumerate((MONDAY, TUESDAY, NEXT_MONTH)):
        outside.list(day, [entry(IDS[number])])
    pipeline.build(MONDAY, TUESDAY, NEXT_MONTH)
    before = pipeline.files()
    outside.list(TUESDAY, [entry(IDS[1]), entry(IDS[3], upvotes=99)])
    pipeline.build(TUESDAY)
    assert changed(before, pipeline.files()) == {
        f"d/{TUESDAY}.json",
        f"words/{TUESDAY}.json",
        *in_every_language(
            f"d/{TUESDAY}.html", f"p/{IDS[3]}.html", "m/2026-02.html", "w/2026-W06.html"
        ),
        *in_every_language("archive.html", "trends.html"),
        *in_every_language(f"p/{IDS[1]}.html"),  # the new paper is related to it
        *in_every_language(f"p/{IDS[3]}.md"),
        *("data/2026-02.jsonl", "data/2026-02.parquet"),
    }
    data = pipeline.files()["data/2026-02.jsonl"].decode().splitlines()
    assert [json.loads(line)["id"] for line in data] == [IDS[0], IDS[1], IDS[3]]
    month = html5lib.parse(pipeline.files()["ru/m/2026-02.html"].decode())
    articles = month.iter("{http://www.w3.org/1999/xhtml}article")
    assert [article.get("data-arxiv-id") for article in articles] == [IDS[3], IDS[0], IDS[1]]
    assert site_runs(pipeline)[-3:] == [
        ("build_month", "2026-02-01", "1"),
        ("build_week", MONDAY, "1"),
        ("build_site", None, "1"),
    ]


def test_every_link_leads_somewhere(outside: Outside, pipeline: Pipeline):
    for number, day in enumerate(("2025-12-29", MONDAY)):
        outside.list(day, [entry(IDS[number]), entry(IDS[3])])
    pipeline.build("2025-12-29", "2026-01-01", MONDAY)
    assert list(dangling(pipeline.site)) == []
    december = pipeline.files()["en/m/2025-12.html"].decode()
    assert 'href="../../en/m/2026-01.html"' not in december
    assert 'href="../../en/m/2026-02.html"' in december
    assert 'href="../../en/w/2026-W01.html"' in december


def test_a_month_that_appears_is_linked_from_its_neighbours(outside: Outside, pipeline: Pipeline):
    outside.list(MONDAY, [entry(IDS[0])])
    pipeline.build(MONDAY)
    outside.list("2025-10-06", [entry(IDS[1])])
    pipeline.build("2025-10-06")
    february, october = (
        pipeline.files()[f"en/m/{month}.html"].decode() for month in ("2026-02", "2025-10")
    )
    assert 'rel="prev" href="../../en/m/2025-10.html"' in february
    assert 'rel="next" href="../../en/m/2026-02.html"' in october


def test_a_paper_that_moves_on_changes_month(outside: Outside, pipeline: Pipeline):
    old, new = "2025-12-31", "2026-01-01"
    outside.list(old, [entry(IDS[0]), entry(IDS[1])])
    pipeline.build(old)
    assert IDS[1] in pipeline.files()["en/m/2025-12.html"].decode()
    outside.list(old, [entry(IDS[0])])
    outside.list(new, [entry(IDS[1])])
    pipeline.build(old)
    pipeline.build(new)
    files = {
        name: data.decode() for name, data in pipeline.files().items() if name.startswith("en/")
    }
    assert IDS[1] not in files["en/m/2025-12.html"]
    assert IDS[1] in files["en/m/2026-01.html"]
    assert files["en/w/2026-W01.html"].count(f'data-arxiv-id="{IDS[1]}"') == 1
    assert list(dangling(pipeline.site)) == []


def test_a_month_without_a_built_day_has_no_page(outside: Outside, pipeline: Pipeline):
    outside.list(MONDAY, [entry(IDS[0])])
    pipeline.build(MONDAY)
    before = pipeline.files()
    assert pipeline.run_job("build_month", "2024-02-01").success
    assert pipeline.files() == before


@pytest.mark.parametrize("papers", [[entry(IDS[0])], None])
def test_a_month_and_a_week_of_one_day(
    outside: Outside, pipeline: Pipeline, papers: list[dict[str, Any]] | None
):
    """The first of June 2026 is a Monday: no other day of its month and week is a partition yet."""
    first = "2026-06-01"
    noon = outside.world.now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    if papers:
        outside.list(first, papers)
    with freeze_time(noon):
        report = pipeline.build_day(first if papers else MONDAY, at=f"{first}T12:00")
        assert report.error is None
        for job in ("build_month", "build_week"):
            assert pipeline.run_job(job, first).success
    pages = in_every_language("m/2026-06.html", "w/2026-W23.html")
    assert (pages if papers else set()) == pages & pipeline.files().keys()


@pytest.mark.parametrize(
    ("run", "lock"),
    [
        (dg.DagsterRun("build_day", tags={"dagster/partition": MONDAY}), MONDAY),
        (dg.DagsterRun("build_week", tags={"dagster/partition": MONDAY, SITE_TAG: "1"}), "site"),
        (
            dg.DagsterRun(
                "__ASSET_JOB",
                tags={"dagster/partition": MONDAY},
                asset_selection=frozenset({dg.AssetKey("weekly_pages")}),
            ),
            "site",
        ),
        (
            dg.DagsterRun("__ASSET_JOB", asset_selection=frozenset({dg.AssetKey("site_index")})),
            "site",
        ),
    ],
)
def test_months_and_weeks_hold_the_lock_of_the_site_and_days_their_own(run, lock):
    assert lock_of(run) == lock
