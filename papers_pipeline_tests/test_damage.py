"""A damaged file in the store is set aside, stops nothing else, and is made again."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from papers_pipeline.defs.tables import content_version
from papers_pipeline_tests.conftest import Outside
from papers_pipeline_tests.helpers.building import Pipeline, changed
from papers_pipeline_tests.helpers.outside import kettles
from papers_pipeline_tests.helpers.terminal import one_line, papers

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"
DATED = ("feed_response", "feed_listing", "daily_issue", "daily_pages")
"""Tables that say when their content was first seen, or are made of one that does."""


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def emptied(data: bytes) -> bytes:
    return b""


def flipped(data: bytes) -> bytes:
    """A bit of the first page is flipped."""
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


def tables(pipeline: Pipeline, day: str) -> list[Path]:
    return sorted((pipeline.data / "lake").glob(f"*/{day}.parquet"))


def damaged(pipeline: Pipeline) -> list[str]:
    """The tables that were set aside."""
    return sorted(path.parent.name for path in (pipeline.data / "lake").rglob("*.damaged"))


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """What the log has said about damaged files since the last look."""

    def taken() -> list[str]:
        messages = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return [message for message in messages if "is damaged" in message]

    with caplog.at_level(logging.WARNING):
        yield taken


@pytest.mark.parametrize("damage", [cut, emptied], ids=["cut", "empty"])
@pytest.mark.fault(
    party="disk",
    fault="damaged file",
    kept="every other day; all texts of this one",
    retried="by the next build of the day, for nothing",
    told="It is set aside as ",
)
def test_a_damaged_day_stops_no_other_and_its_next_build_makes_it_again(
    bought: Pipeline, outside: Outside, said, damage: Callable[[bytes], bytes]
):
    outside.list(NEXT_DAY, kettles(3))
    bought.build(NEXT_DAY)
    stored = tables(bought, DAY)
    assets = [path.parent.name for path in stored]
    rows = {asset: bought.rows(asset, DAY) for asset in assets}
    pages = bought.files()
    for path in stored:
        path.write_bytes(damage(path.read_bytes()))

    (report,) = bought.build(NEXT_DAY)
    assert (report.state, report.error) == ("listed", None)
    result = papers("plan", "--json")
    assert result.exit_code == 0, result.output
    assert {row["day"] for row in json.loads(result.stdout)["rows"]} == {NEXT_DAY}

    outside.calls()
    (report,) = bought.build(DAY)
    assert (report.state, report.error) == ("listed", None)
    assert outside.calls() == {}
    assert damaged(bought) == assets
    messages = said()
    assert len(messages) == len(assets)
    for asset in assets:
        (message,) = [each for each in messages if f"/{asset}/" in each]
        assert f"It is set aside as {DAY}.parquet.damaged" in message
        if asset not in DATED:
            assert bought.rows(asset, DAY) == rows[asset]
    assert [report.error for report in bought.build(DAY, NEXT_DAY)] == [None, None]
    assert said() == []
    # The record says when the list was first fetched.
    assert changed(pages, bought.files()) == {f"d/{DAY}.json"}


def test_what_is_made_without_models_comes_back_with_the_next_build_of_any_day(
    bought: Pipeline, outside: Outside
):
    outside.list(NEXT_DAY, kettles(3))
    bought.build(NEXT_DAY)
    joined = ("daily_issue", "related_papers")
    rows = {asset: bought.rows(asset, DAY) for asset in joined}
    pages = bought.files()
    for asset in joined:
        (bought.data / "lake" / asset / f"{DAY}.parquet").write_bytes(b"")
    assert [bought.rows(asset, DAY) for asset in joined] == [[], []]

    (report,) = bought.build(NEXT_DAY)
    assert (report.date.isoformat(), report.error) == (NEXT_DAY, None)
    assert f"{DAY}: made again after damage: daily_issue, related_papers" in bought.watcher.notes
    assert bought.rows("related_papers", DAY) == rows["related_papers"]
    assert [issue.papers for issue in bought.rows("daily_issue", DAY)] == [
        issue.papers for issue in rows["daily_issue"]
    ]
    assert changed(pages, bought.files()) == set()


def test_tables_without_checksums_get_them_and_nothing_else_changes(
    bought: Pipeline, outside: Outside, said
):
    bought.build(DAY)
    stored = {path: path.read_bytes() for path in tables(bought, DAY)}
    pages = bought.files()
    versions = {path: content_version(bought.rows(path.parent.name, DAY)) for path in stored}
    for path in stored:
        pq.write_table(pq.read_table(path), path, compression="zstd")
    outside.calls()
    assert bought.build(DAY)[0].error is None
    assert outside.calls() == {}
    assert said() == []
    assert changed(pages, bought.files()) == set()
    for path, version in versions.items():
        assert content_version(bought.rows(path.parent.name, DAY)) == version
        assert path.read_bytes() == stored[path]


@pytest.mark.parametrize("asset", ["daily_issue", "feed_listing", "summaries_en", "related_papers"])
def test_no_command_stumbles_over_a_damaged_table(bought: Pipeline, said, asset: str):
    path = bought.data / "lake" / asset / f"{DAY}.parquet"
    for command in (["plan"], ["costs"], ["show", "2603.10001"], ["refresh", "--yes"]):
        path.write_bytes(b"PAR1 no")
        result = papers(*command)
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_damaged_input_of_an_asset_built_alone_is_named(bought: Pipeline, outside: Outside):
    path = bought.data / "lake" / "feed_listing" / f"{DAY}.parquet"
    path.write_bytes(cut(path.read_bytes()))
    (report,) = bought.build(DAY, only=("daily_pages", "daily_issue"))
    assert "feed_listing 2026-03-02: there is no stored table, or it was damaged" in report.error
    assert "Arrow" not in report.error
    assert damaged(bought) == ["feed_listing"]


def purchases(pipeline: Pipeline, asset: str) -> list[Path]:
    return sorted((pipeline.data / "purchases" / asset).glob("*/*.json"))


@pytest.mark.parametrize("damage", [cut, emptied], ids=["cut", "empty"])
@pytest.mark.fault(
    party=("OpenAI", "Anthropic", "Mistral"),
    fault="damaged file",
    kept="the text: it is in the day's row",
    retried="no",
    told="It is set aside as ",
)
def test_damaged_purchases_stop_nothing(
    bought: Pipeline, outside: Outside, said, damage: Callable[[bytes], bytes]
):
    pages = bought.files()
    outside.calls()
    stored = purchases(bought, "summaries_en")
    for path in stored:
        path.write_bytes(damage(path.read_bytes()))
    result = papers("plan", "--json")
    assert result.exit_code == 0, result.output
    assert {(row["state"], row["calls"]) for row in json.loads(result.stdout)["rows"]} == {
        ("current", 0)
    }
    assert papers("show", "2603.10001").exit_code == 0
    assert bought.build(DAY)[0].error is None
    messages = said()
    assert len(messages) == len(stored) == 2
    assert all("It is set aside as " in message for message in messages)
    assert outside.calls() == {}
    assert pages.items() <= bought.files().items()

    path = purchases(bought, "summaries_ru")[0]
    path.write_bytes(damage(path.read_bytes()))
    outside.calls()
    result = papers("redo", "2603.10001", "--only", "summaries_ru")
    assert result.exit_code == 0, result.output
    assert outside.calls() == {"ru": 1}


def test_purchases_of_a_newer_release_are_refused_and_neither_replaced_nor_bought(
    bought: Pipeline, outside: Outside
):
    pages = bought.files()
    stored = purchases(bought, "summaries_en")
    for path in stored:
        path.write_bytes(path.read_bytes().replace(b'"format": 2', b'"format": 3'))
    kept = [path.read_bytes() for path in stored]
    # The plan looks at purchases of texts that are not current.
    (bought.data / "lake" / "summaries_en" / f"{DAY}.parquet").unlink()
    result = papers("plan")
    assert result.exit_code != 0
    assert "an entry in format 3 was written by a newer release" in one_line(result.output)
    outside.calls()
    (report,) = bought.build(DAY)
    assert report.assets["summaries_en"].failed == 2
    assert outside.calls() == {}
    assert [path.read_bytes() for path in stored] == kept
    row = bought.rows("summaries_en", DAY)[0]
    assert "this one neither reads nor replaces it: upgrade" in row.detail
    assert pages.keys() <= bought.files().keys()


def test_a_day_that_lost_a_table_shows_its_texts_when_its_links_change(
    bought: Pipeline, outside: Outside
):
    # The table of a language goes, and a new day changes where the old one leads to.
    (bought.data / "lake" / "summaries_ru" / f"{DAY}.parquet").unlink()
    outside.list(NEXT_DAY, [*kettles(3)])
    (report,) = bought.build(NEXT_DAY)
    assert report.error is None
    assert f"{DAY}: its links to other days changed" in bought.watcher.notes
    assert {paper.summaries["ru"].state for paper in bought.issue(DAY).papers} == {"done"}
    assert outside.calls()["ru"] == 1


def test_a_paper_asked_about_again_leaves_its_day_no_text_the_poorer(
    bought: Pipeline, outside: Outside
):
    (bought.data / "lake" / "summaries_en" / f"{DAY}.parquet").unlink()
    result = papers("redo", "2603.10001", "--only", "summaries_ru")
    assert result.exit_code == 0, result.output
    assert {paper.summaries["en"].state for paper in bought.issue(DAY).papers} == {"done"}
    assert outside.calls()["en"] == 0


def test_a_record_alone_says_which_table_it_would_lose(bought: Pipeline, outside: Outside):
    (bought.data / "lake" / "summaries_ru" / f"{DAY}.parquet").unlink()
    before = bought.issue(DAY)
    (report,) = bought.build(DAY, only=("daily_issue",))
    assert "the tables of summaries_ru are gone" in (report.error or "")
    assert f"papers build --date {DAY}" in (report.error or "")
    assert bought.issue(DAY) == before


def test_a_day_that_lost_its_record_and_a_table_comes_back_with_both(
    bought: Pipeline, outside: Outside
):
    for asset in ("daily_issue", "summaries_ru"):
        (bought.data / "lake" / asset / f"{DAY}.parquet").write_bytes(b"")
        assert bought.rows(asset, DAY) == []
    outside.list(NEXT_DAY, kettles(3))
    bought.build(NEXT_DAY)
    assert {paper.summaries["ru"].state for paper in bought.issue(DAY).papers} == {"done"}
    assert outside.calls()["ru"] == 1
