"""`papers verify` reads everything that is stored, and its advice mends what it finds."""

from pathlib import Path

import pytest

from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import Outside, entry
from papers_pipeline_tests.helpers.terminal import one_line, papers

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"
WELL = "Everything that was read is as it was written.\n"


@pytest.fixture
def built(outside: Outside, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Two days that list the same paper."""
    outside.offer(monkeypatch)
    for day in (DAY, NEXT_DAY):
        outside.list(day, [entry("2603.10001", title="Kettle", summary="It whistles.")])
    pipeline.build(DAY, NEXT_DAY, at="2026-03-04T05:00")
    return pipeline


def purchase(pipeline: Pipeline) -> Path:
    return next((pipeline.data / "cache" / "summaries_ru").rglob("*.json"))


def test_what_was_built_is_in_order(built: Pipeline):
    assert papers("verify").stdout == WELL


def test_what_is_wrong_is_named_and_mended_by_the_named_commands(built: Pipeline, outside: Outside):
    before = built.files()
    table = built.data / "lake" / "summaries_en" / f"{DAY}.parquet"
    table.write_bytes(table.read_bytes()[:-9])
    damaged = purchase(built)
    damaged.write_text("{")
    (built.site / "ru" / "d" / f"{DAY}.html").write_text("changed")
    (built.site / "en" / "d" / f"{DAY}.html").unlink()
    (built.site / "zh" / "m" / "2026-03.html").unlink()
    (built.site / "en" / "archive.html").write_text("changed")
    (built.data / "lake" / "weekly_pages" / f"{DAY}.parquet").write_bytes(b"PAR1")

    found = papers("verify")
    assert found.exit_code == 1
    told = one_line(found.stdout)
    assert (
        f"summaries_en {DAY}: damaged; it is set aside. Mended by: `papers build --date {DAY}`"
        in told
    )
    assert damaged.name in told.replace(" ", "")
    assert f"en/d/{DAY}.html: missing. Mended by: `papers build --date {DAY}`" in told
    assert f"ru/d/{DAY}.html: not as it was written. Mended by: `papers verify --repair`" in told

    assert f"zh/m/2026-03.html: missing. Mended by: `papers build --date {DAY}`" in told
    assert f"weekly_pages {DAY}: damaged" in told
    assert "en/archive.html: not as it was written" in told

    assert papers("verify", "--repair").exit_code == 1
    outside.calls()
    built.build(DAY, NEXT_DAY)
    assert outside.calls() == {}
    assert papers("verify").stdout == WELL
    assert built.files() == before


def test_a_damaged_index_and_a_newer_purchase_are_named_and_stop_nothing(built: Pipeline):
    (built.data / "lake" / "site_index.parquet").write_bytes(b"PAR1")
    newer = purchase(built)
    newer.write_text(newer.read_text().replace('"format": 2', '"format": 9'))
    (built.site / "en" / "d" / f"{DAY}.html").unlink()
    found = papers("verify")
    assert found.exit_code == 1
    lines = found.stdout.splitlines()
    assert (
        lines[0]
        == f"site_index: damaged; it is set aside. Mended by: `papers build --date {NEXT_DAY}`"
    )
    assert lines[1].endswith("Mended by: an upgrade")
    assert lines[2].startswith(f"en/d/{DAY}.html: missing")
    newer.unlink()
    built.build(DAY, NEXT_DAY)
    assert papers("verify").stdout == WELL


def test_a_sample_reads_a_share(built: Pipeline):
    purchase(built).write_text("{")
    assert papers("verify", "--sample", "0.0001%").stdout == WELL
    result = papers("verify", "--sample", "much")
    assert result.exit_code == 2
    assert "'much' is no percentage such as 5%" in one_line(result.stderr)
