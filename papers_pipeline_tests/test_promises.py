"""What the project promises of a day: nothing is lost or done twice, a bad list is not believed."""

import gc
import weakref
from datetime import UTC, date, datetime

import pytest

from papers_pipeline.records import PaperVotes
from papers_pipeline.sandbox.world import Fault
from papers_pipeline.site.drawing.cards import LinkCard
from papers_pipeline_tests.helpers.building import Pipeline, changed
from papers_pipeline_tests.helpers.outside import (
    FEED,
    LANGUAGES,
    WRITTEN,
    Outside,
    calls_for,
    entry,
    kettles,
)

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"
IDS = [f"2603.{10001 + n}" for n in range(12)]


def entries(*numbers: int, **changes) -> list[dict]:
    return [entry(IDS[number], **changes) for number in numbers]


def test_built_twice_no_file_changes_and_nothing_is_asked_or_drawn(
    outside: Outside, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PAPERS_SITE_URL", "https://digest.example")  # without it no card is drawn
    outside.list(DAY, kettles(1, 2))
    outside.list(NEXT_DAY, kettles(2))
    outside.offer(monkeypatch)
    pipeline.build(DAY, NEXT_DAY, at="2026-03-05T06:00")
    assert outside.calls() == calls_for(2, tasks=2)
    files, times = pipeline.files(), pipeline.times()
    drawn = []
    monkeypatch.setattr(LinkCard, "png", lambda card: drawn.append(card) or b"")
    reports = pipeline.build(DAY, NEXT_DAY, at="2026-03-05T18:00")
    assert outside.calls() == {}
    assert drawn == []
    for report, papers in zip(reports, (2, 1), strict=True):
        assert {report.assets[name].reused for name in WRITTEN} == {papers}
    assert len(pipeline.rows("feed_response", DAY)) == 1
    assert pipeline.files() == files
    assert pipeline.times() == times


def test_a_growing_day_loses_no_row_and_no_first_time(outside: Outside, pipeline: Pipeline):
    for hour, numbers in ((8, range(9)), (12, range(10)), (16, range(12)), (20, range(9))):
        outside.list(DAY, entries(*numbers))
        pipeline.build(DAY, only=FEED, at=f"{DAY}T{hour:02}:00")
    pipeline.build_day(DAY, at=f"{DAY}T20:00")
    rows = {row.arxiv_id: row for row in pipeline.rows("feed_listing", DAY)}
    first_hours = [rows[arxiv_id].first_seen_at.hour for arxiv_id in IDS]
    assert first_hours == [8] * 9 + [12] + [16] * 2
    assert [rows[arxiv_id].status for arxiv_id in IDS] == ["listed"] * 9 + ["gone"] * 3
    assert [paper["id"] for paper in pipeline.json(DAY)["papers"]] == sorted(IDS)
    assert pipeline.json(DAY)["counts"] == {"papers": 12, "moved": 0, "withdrawn": 0, "gone": 3}


def test_a_list_cut_to_one_entry_is_shrunk_and_its_page_unchanged(
    outside: Outside, pipeline: Pipeline
):
    outside.list(DAY, entries(*range(5)))
    assert pipeline.build_day(DAY).state == "listed"
    before = pipeline.files()
    outside.list(DAY, entries(3))
    report = pipeline.build_day(DAY)
    assert (report.state, report.failed) == ("shrunk", True)
    assert changed(before, pipeline.files()) == {f"d/{DAY}.json"}
    assert pipeline.json(DAY)["state"] == "shrunk"
    assert [paper["status"] for paper in pipeline.json(DAY)["papers"]] == ["listed"] * 5
    outside.list(DAY, entries(*range(5)))
    assert pipeline.build_day(DAY).state == "listed"
    assert pipeline.files() == before


def test_a_paper_that_moved_is_linked_from_both_days(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, entries(0, 1, 2))
    pipeline.build(DAY, at=f"{DAY}T18:00")
    outside.list(DAY, entries(0, 1))
    outside.list(NEXT_DAY, entries(2, 3))
    pipeline.build(DAY, NEXT_DAY, at="2026-03-04T06:00")
    here = {paper.arxiv_id: paper for paper in pipeline.issue(DAY).papers}[IDS[2]]
    there = {paper.arxiv_id: paper for paper in pipeline.issue(NEXT_DAY).papers}[IDS[2]]
    assert (here.status, here.moved_to) == ("gone", date(2026, 3, 3))
    assert (there.status, there.moved_to) == ("listed", None)
    assert here.listed_on == there.listed_on == [date(2026, 3, 2), date(2026, 3, 3)]
    assert f'href="../../en/d/{NEXT_DAY}.html#p-{IDS[2]}"' in pipeline.page(DAY)
    assert f'href="../../en/d/{DAY}.html#p-{IDS[2]}"' in pipeline.page(NEXT_DAY)


def test_papers_that_moved_do_not_shrink_the_list(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, entries(*range(12)))
    pipeline.build(DAY)
    outside.list(DAY, entries(0))
    outside.list(NEXT_DAY, entries(*range(1, 12)))
    reports = pipeline.build(DAY, NEXT_DAY)
    assert [report.state for report in reports] == ["listed", "listed"]
    assert pipeline.json(DAY)["counts"] == {"papers": 12, "moved": 11, "withdrawn": 0, "gone": 0}


def test_a_day_built_alone_brings_the_days_it_touches_up_to_date(
    outside: Outside, pipeline: Pipeline
):
    outside.list(DAY, entries(0, 1, 2))
    pipeline.build(DAY)
    assert pipeline.issue(DAY).next is None
    outside.list(DAY, entries(0, 1))
    pipeline.build(DAY)
    outside.list(NEXT_DAY, entries(2))
    pipeline.build(NEXT_DAY)
    assert pipeline.watcher.notes[-1] == f"{DAY}: its links to other days changed"
    assert pipeline.issue(DAY).next == date(2026, 3, 3)
    assert pipeline.issue(DAY).papers[2].moved_to == date(2026, 3, 3)


def test_a_new_vote_leaves_listing_and_texts_fresh_and_issue_and_pages_follow(
    outside: Outside, pipeline: Pipeline
):
    assets = ("feed_listing", "paper_votes", *WRITTEN, "daily_issue", "daily_pages")
    outside.list(DAY, entries(0, 1))
    pipeline.build_day(DAY)
    before = pipeline.versions(*assets, day=DAY)
    outside.list(DAY, entries(0) + entries(1, upvotes=99))
    pipeline.build(DAY, only=FEED)
    assert pipeline.stale(DAY) == {"daily_issue"}
    pipeline.build_day(DAY)
    after = pipeline.versions(*assets, day=DAY)
    differing = {asset for asset in assets if after[asset] != before[asset]}
    assert differing == {"paper_votes", "daily_issue", "daily_pages"}
    assert [paper["id"] for paper in pipeline.json(DAY)["papers"]] == [IDS[1], IDS[0]]
    assert pipeline.rows("paper_votes", DAY)[1] == PaperVotes(
        arxiv_id=IDS[1], upvotes=99, comments=2
    )


def test_one_day_without_a_list_does_not_stop_the_others_and_keeps_its_page(
    outside: Outside, pipeline: Pipeline
):
    days = [NEXT_DAY, "2026-03-04"]
    for number, day in enumerate(days):
        outside.list(day, entries(number))
    pipeline.build(*days)
    before = pipeline.files()
    outside.world.faults.append(Fault(f"date={NEXT_DAY}", 404, "{}"))
    reports = pipeline.build(*days)
    assert [report.failed for report in reports] == [True, False]
    assert reports[0].error == (
        f"feed_response: {NEXT_DAY}: {outside.url}/api/daily_papers answered 404: "
        "is HF_ENDPOINT right?"
    )
    assert pipeline.files() == before


def test_what_a_day_leaves_behind_is_freed_before_the_next(
    outside: Outside, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    class Circle:
        def __init__(self) -> None:
            self.itself = self

    circles: list[weakref.ref[Circle]] = []
    alive = []

    def begin_day(day: date, part: str, number: int, days: int) -> None:
        alive.append(sum(circle() is not None for circle in circles))
        circles.append(weakref.ref(Circle()))

    monkeypatch.setattr(pipeline.watcher, "day", begin_day)
    gc.disable()
    try:
        pipeline.build(DAY, NEXT_DAY, "2026-03-04", only=("feed_response",))
    finally:
        gc.enable()
    assert alive == [0, 0, 0]
    assert gc.get_freeze_count() == 0


def test_links_skip_days_without_papers_and_the_index_shows_the_newest_day_with_one(
    outside: Outside, pipeline: Pipeline
):
    outside.list(DAY, entries(0))
    outside.list("2026-03-04", entries(1))
    pipeline.build(DAY, NEXT_DAY, "2026-03-04", "2026-03-05")
    assert pipeline.issue(DAY).next == date(2026, 3, 4)
    assert pipeline.issue("2026-03-04").previous == date(2026, 3, 2)
    assert pipeline.issue(NEXT_DAY).previous == date(2026, 3, 2)
    for language in LANGUAGES:
        index = (pipeline.site / language / "index.html").read_text(encoding="utf-8")
        assert f'href="../{language}/d/2026-03-04.html"' in index
        assert f'data-arxiv-id="{IDS[1]}"' in index
    root = (pipeline.site / "index.html").read_text(encoding="utf-8")
    assert f'href="{LANGUAGES[0]}/' in root


def test_without_a_key_english_has_a_labelled_stand_in_and_nothing_is_faked(
    outside: Outside, pipeline: Pipeline
):
    both, abstract_only, neither = IDS[:3]
    outside.list(
        DAY,
        [
            entry(both, summary="The abstract.", ai_summary="HF wrote this."),
            entry(abstract_only, summary="The abstract."),
            entry(neither, summary=""),
        ],
    )
    pipeline.build_day(DAY)
    papers = {paper["id"]: paper["summaries"] for paper in pipeline.json(DAY)["papers"]}
    english = {
        arxiv_id: (summaries["en"]["source"], summaries["en"]["text"], summaries["en"]["reason"])
        for arxiv_id, summaries in papers.items()
    }
    assert english == {
        both: ("hf_ai_summary", "HF wrote this.", "no_provider"),
        abstract_only: ("abstract", "The abstract.", "no_provider"),
        neither: (None, None, "no_abstract"),
    }
    for summaries in papers.values():
        assert tuple(summaries) == LANGUAGES
        assert {summary["state"] for summary in summaries.values()} == {"pending"}
        assert len({summary["reason"] for summary in summaries.values()}) == 1
        others = [summaries[language]["text"] for language in LANGUAGES if language != "en"]
        assert set(others) == {None}


def test_hostile_text_comes_out_as_text_everywhere(outside: Outside, pipeline: Pipeline):
    title = "</script><img src=x onerror=alert(1)>"
    abstract = (
        r"Seven times seven is {{ 7*7 }}, {% raw %} and $\mathcal{O}(n \log n)$ <b>bold</b> & more."
    )
    hostile = entry(
        IDS[0],
        title=title,
        summary=abstract,
        organization={"_id": "2" * 24, "name": "<i>evil</i>"},
        githubRepo="javascript:alert(1)",
        projectPage="javascript:alert(1)",
    )
    outside.list(DAY, [hostile])
    pipeline.build(DAY)
    record = pipeline.json(DAY)["papers"][0]
    assert (record["title"], record["abstract"]) == (title, abstract)
    for language in LANGUAGES:
        index = (pipeline.site / language / "index.html").read_text(encoding="utf-8")
        for page in (pipeline.page(DAY, language), index):
            assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in page
            assert "{{ 7*7 }}, {% raw %} and <math" in page
            assert "</math> &lt;b&gt;bold&lt;/b&gt; &amp; more." in page
            assert "<img src=x" not in page
            assert "<i>evil" not in page
            assert "javascript:" not in page


def test_states_and_times_are_utc_days(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, entries(0))
    assert pipeline.build_day(DAY, at=f"{DAY}T23:59").state == "open"
    assert pipeline.build_day(DAY, at=f"{NEXT_DAY}T00:00").state == "listed"
    assert pipeline.issue(DAY).built_at == datetime(2026, 3, 2, 23, 59, tzinfo=UTC)


def test_an_empty_weekend_is_quiet_and_an_empty_weekday_stalled(pipeline: Pipeline):
    reports = [pipeline.build_day(day) for day in ("2026-03-01", "2026-03-04")]
    assert [report.state for report in reports] == ["quiet", "stalled"]
    assert not any(report.failed for report in reports)


def test_an_empty_weekday_in_the_setting_is_quiet(pipeline: Pipeline, monkeypatch):
    assert pipeline.build_day(DAY).state == "stalled"
    monkeypatch.setenv("PAPERS_QUIET_DAYS", DAY)
    assert pipeline.build_day(DAY).state == "quiet"
