"""What the project promises of a day: nothing is lost, nothing is done twice, a bad list is not believed."""

from datetime import UTC, date, datetime

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from papers_pipeline import definitions, home
from papers_pipeline.defs.partitions import DAILY
from papers_pipeline.records import PaperVotes
from papers_pipeline.sandbox.world import Fault
from papers_pipeline.settings import load_settings
from papers_pipeline_tests.conftest import Outside, Pipeline, entry

DAY = "2026-03-02"
IDS = [f"2603.{10001 + n}" for n in range(12)]


def entries(*numbers: int, **changes) -> list[dict]:
    return [entry(IDS[number], **changes) for number in numbers]


def versions(*assets: str, day: str = DAY) -> dict[str, str]:
    """The data version of the newest materialization of each asset."""
    with home.instance(load_settings()) as instance:
        found = {}
        for asset in assets:
            event = instance.fetch_materializations(
                dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[day]), limit=1
            ).records[0]
            found[asset] = event.asset_materialization.tags["dagster/data_version"]
        return found


def stale(day: str = DAY) -> set[str]:
    """The assets whose partition Dagster calls stale."""
    graph = definitions.load().resolve_asset_graph()
    with home.instance(load_settings()) as instance:
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        daily = [
            key for key in graph.toposorted_asset_keys if graph.get(key).partitions_def == DAILY
        ]
        return {
            key.to_user_string()
            for key in daily
            if resolver.get_status(key, day) == StaleStatus.STALE
        }


def test_a_growing_day_loses_no_row_and_no_first_time(outside: Outside, pipeline: Pipeline):
    for hour, numbers in ((8, range(9)), (12, range(10)), (16, range(12)), (20, range(9))):
        outside.list(DAY, entries(*numbers))
        pipeline.build(DAY, at=f"{DAY}T{hour:02}:00")
    rows = {row.arxiv_id: row for row in pipeline.rows("feed_listing", DAY)}
    first_hours = [rows[arxiv_id].first_seen_at.hour for arxiv_id in IDS]
    assert first_hours == [8] * 9 + [12] + [16] * 2
    assert [rows[arxiv_id].status for arxiv_id in IDS] == ["listed"] * 9 + ["gone"] * 3
    assert [paper["id"] for paper in pipeline.json(DAY)["papers"]] == sorted(IDS)
    assert pipeline.json(DAY)["counts"] == {"papers": 12, "moved": 0, "withdrawn": 0, "gone": 3}


def test_a_list_cut_to_one_entry_is_shrunk_and_its_page_unchanged(
    outside: Outside, pipeline: Pipeline
):
    outside.list(DAY, entries(*range(12)))
    assert pipeline.build(DAY)[0].state == "listed"
    before = pipeline.files()
    outside.list(DAY, entries(3))
    report = pipeline.build(DAY)[0]
    assert (report.state, report.failed) == ("shrunk", True)
    after = pipeline.files()
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {f"d/{DAY}.json"}
    assert pipeline.json(DAY)["state"] == "shrunk"
    assert [paper["status"] for paper in pipeline.json(DAY)["papers"]] == ["listed"] * 12
    outside.list(DAY, entries(*range(12)))
    assert pipeline.build(DAY)[0].state == "listed"
    assert pipeline.files() == before


def test_a_paper_that_moved_is_linked_from_both_days(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, entries(0, 1, 2))
    pipeline.build(DAY, at=f"{DAY}T18:00")
    outside.list(DAY, entries(0, 1))
    outside.list("2026-03-03", entries(2, 3))
    pipeline.build(DAY, "2026-03-03", at="2026-03-04T06:00")
    here = {paper.arxiv_id: paper for paper in pipeline.issue(DAY).papers}[IDS[2]]
    there = {paper.arxiv_id: paper for paper in pipeline.issue("2026-03-03").papers}[IDS[2]]
    assert (here.status, here.moved_to) == ("gone", date(2026, 3, 3))
    assert (there.status, there.moved_to) == ("listed", None)
    assert here.listed_on == there.listed_on == [date(2026, 3, 2), date(2026, 3, 3)]
    assert f'href="../../en/d/2026-03-03.html#p-{IDS[2]}"' in pipeline.page(DAY)
    assert f'href="../../en/d/{DAY}.html#p-{IDS[2]}"' in pipeline.page("2026-03-03")


def test_a_day_built_alone_brings_the_days_it_touches_up_to_date(
    outside: Outside, pipeline: Pipeline
):
    outside.list(DAY, entries(0, 1, 2))
    pipeline.build(DAY)
    assert pipeline.issue(DAY).next is None
    outside.list(DAY, entries(0, 1))
    pipeline.build(DAY)
    outside.list("2026-03-03", entries(2))
    pipeline.build("2026-03-03")
    assert pipeline.watcher.notes[-1] == f"{DAY}: its links to other days changed"
    assert pipeline.issue(DAY).next == date(2026, 3, 3)
    assert pipeline.issue(DAY).papers[2].moved_to == date(2026, 3, 3)


def test_eleven_papers_that_moved_are_no_shrunken_list(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, entries(*range(12)))
    pipeline.build(DAY)
    outside.list(DAY, entries(0))
    outside.list("2026-03-03", entries(*range(1, 12)))
    reports = pipeline.build(DAY, "2026-03-03")
    assert [report.state for report in reports] == ["listed", "listed"]
    assert pipeline.issue(DAY).counts.moved == 11


def test_a_new_vote_leaves_listing_and_texts_fresh_and_issue_and_pages_follow(
    outside: Outside, pipeline: Pipeline
):
    assets = (
        "feed_listing",
        "summaries_en",
        "summaries_ru",
        "topic_tags",
        "paper_votes",
        "daily_issue",
        "daily_pages",
    )
    outside.list(DAY, entries(0, 1))
    pipeline.build(DAY)
    before = versions(*assets)
    outside.list(DAY, entries(0) + entries(1, upvotes=99))
    pipeline.build(DAY, only=("feed_response", "feed_listing", "paper_votes"))
    assert stale() == {"daily_issue"}
    pipeline.build(DAY)
    after = versions(*assets)
    assert {asset for asset in assets if after[asset] != before[asset]} == {
        "paper_votes",
        "daily_issue",
        "daily_pages",
    }
    assert [paper["id"] for paper in pipeline.json(DAY)["papers"]] == [IDS[1], IDS[0]]
    assert pipeline.rows("paper_votes", DAY)[1] == PaperVotes(
        arxiv_id=IDS[1], upvotes=99, comments=2
    )


def test_a_day_built_twice_changes_not_one_file(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, entries(0, 1, 2))
    pipeline.build(DAY, at="2026-03-05T06:00")
    before = pipeline.files()
    times = {path: path.stat().st_mtime_ns for path in pipeline.site.rglob("*")}
    pipeline.build(DAY, at="2026-03-05T18:00")
    assert pipeline.files() == before
    assert {path: path.stat().st_mtime_ns for path in pipeline.site.rglob("*")} == times
    assert len(pipeline.rows("feed_response", DAY)) == 1


def test_a_day_whose_list_cannot_be_had_fails_alone_and_its_page_stays(
    outside: Outside, pipeline: Pipeline
):
    days = [DAY, "2026-03-03", "2026-03-04"]
    for number, day in enumerate(days):
        outside.list(day, entries(number))
    pipeline.build(*days)
    before = pipeline.files()
    outside.world.faults.append(Fault("date=2026-03-03", 404, "{}"))
    reports = pipeline.build(*days)
    assert [report.failed for report in reports] == [False, True, False]
    assert reports[1].error == (
        f"feed_response: 2026-03-03: {outside.url}/api/daily_papers answered 404: is HF_ENDPOINT right?"
    )
    assert pipeline.files() == before


def test_an_empty_weekend_is_quiet_and_an_empty_weekday_stalled(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, entries(0))
    reports = pipeline.build("2026-03-01", DAY, "2026-03-04")
    assert [report.state for report in reports] == ["quiet", "listed", "stalled"]
    assert not any(report.failed for report in reports)
    monkeypatch.setenv("PAPERS_QUIET_DAYS", "2026-03-04")
    assert pipeline.build("2026-03-04")[0].state == "quiet"


def test_neighbouring_days_without_papers_are_skipped(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, entries(0))
    outside.list("2026-03-05", entries(1))
    pipeline.build(DAY, "2026-03-03", "2026-03-04", "2026-03-05")
    assert pipeline.issue(DAY).next == date(2026, 3, 5)
    assert pipeline.issue("2026-03-05").previous == date(2026, 3, 2)
    assert pipeline.issue("2026-03-03").previous == date(2026, 3, 2)


def test_the_index_leads_to_the_newest_day_with_a_paper(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, entries(0))
    pipeline.build(DAY, "2026-03-03")
    for language in ("ru", "en", "zh"):
        index = (pipeline.site / language / "index.html").read_text()
        assert f'href="../{language}/d/{DAY}.html"' in index
        assert f'data-arxiv-id="{IDS[0]}"' in index
    assert 'href="ru/' in (pipeline.site / "index.html").read_text()


@pytest.mark.parametrize(
    ("abstract", "ai_summary", "source", "text"),
    [
        ("The abstract.", "HF wrote this.", "hf_ai_summary", "HF wrote this."),
        ("The abstract.", None, "abstract", "The abstract."),
        ("", None, None, None),
    ],
)
def test_without_a_key_english_has_a_labelled_stand_in_and_nothing_is_faked(
    outside: Outside, pipeline: Pipeline, abstract, ai_summary, source, text
):
    outside.list(DAY, [entry(IDS[0], summary=abstract, ai_summary=ai_summary)])
    pipeline.build(DAY)
    summaries = pipeline.json(DAY)["papers"][0]["summaries"]
    reason = "no_provider" if abstract else "no_abstract"
    assert list(summaries) == ["ru", "en", "zh"]
    assert (summaries["en"]["source"], summaries["en"]["text"]) == (source, text)
    assert {it["state"] for it in summaries.values()} == {"pending"}
    assert {it["reason"] for it in summaries.values()} == {reason}
    assert summaries["ru"]["text"] is summaries["zh"]["text"] is None


def test_hostile_text_comes_out_as_text_everywhere(outside: Outside, pipeline: Pipeline):
    title = "</script><img src=x onerror=alert(1)>"
    abstract = (
        r"Seven times seven is {{ 7*7 }}, {% raw %} and $\mathcal{O}(n \log n)$ <b>bold</b> & more."
    )
    organization = {"_id": "2" * 24, "name": "<i>evil</i>"}
    link = "javascript:alert(1)"
    outside.list(
        DAY,
        [
            entry(
                IDS[0],
                title=title,
                summary=abstract,
                organization=organization,
                githubRepo=link,
                projectPage=link,
            )
        ],
    )
    pipeline.build(DAY)
    record = pipeline.json(DAY)["papers"][0]
    assert (record["title"], record["abstract"]) == (title, abstract)
    for language in ("ru", "en", "zh"):
        for page in (
            pipeline.page(DAY, language),
            (pipeline.site / language / "index.html").read_text(),
        ):
            assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in page
            assert "{{ 7*7 }}, {% raw %} and <math" in page
            assert "</math> &lt;b&gt;bold&lt;/b&gt; &amp; more." in page
            assert "<img src=x" not in page
            assert "<i>evil" not in page
            assert "javascript:" not in page


def test_states_and_times_are_utc_days(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, entries(0))
    assert pipeline.build(DAY, at=f"{DAY}T23:59")[0].state == "open"
    assert pipeline.build(DAY, at="2026-03-03T00:00")[0].state == "listed"
    assert pipeline.issue(DAY).built_at == datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
