"""`papers verify` reads everything that is stored, and its advice mends what it finds."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from papers_pipeline.sandbox.world import SAMPLE
from papers_pipeline.settings import load_settings
from papers_pipeline.store import sealed
from papers_pipeline.store.ledger import FileLedger, Spending
from papers_pipeline.store.purchases import Purchase
from papers_pipeline.wiring import purchases_of
from papers_pipeline_tests.helpers.building import Pipeline, build_once
from papers_pipeline_tests.helpers.outside import Outside, entry
from papers_pipeline_tests.helpers.terminal import one_line, papers

pytestmark = pytest.mark.slow
DAY, NEXT_DAY = "2026-03-02", "2026-03-03"
MORNING = "2026-03-04T05:00"
WELL = "Everything that was read is as it was written.\n"


@pytest.fixture
def built(
    outside: Outside, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, shared: Path
) -> Pipeline:
    """Two days that list the same paper."""
    outside.offer(monkeypatch)
    for day in (DAY, NEXT_DAY):
        outside.list(day, [entry("2603.10001", title="Kettle", summary="It whistles.")])
    build_once(pipeline, shared / "two-days", lambda: pipeline.build(DAY, NEXT_DAY, at=MORNING))
    pipeline.clock.moment = datetime.fromisoformat(MORNING).replace(tzinfo=UTC)
    return pipeline


def purchase(pipeline: Pipeline) -> Path:
    return next((pipeline.data / "purchases" / "summaries_ru").rglob("*.json"))


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
    copies = papers("verify", "--repair")
    assert copies.exit_code == 0
    assert copies.stdout.count("the copy of a damaged file, which is back: deleted") == 2
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
    assert papers("verify", "--repair").exit_code == 0
    assert papers("verify").stdout == WELL


def test_a_sample_reads_a_share(built: Pipeline):
    purchase(built).write_text("{")
    assert papers("verify", "--sample", "0.0001%").stdout == WELL
    result = papers("verify", "--sample", "much")
    assert result.exit_code == 2
    assert "'much' is no percentage such as 5%" in one_line(result.stderr)


# Rows and purchases


def altered(path: Path, **changes: Any) -> Purchase:
    """A purchase that says something else."""
    entry = Purchase.model_validate_json(path.read_bytes())
    return entry.model_copy(update={"value": (entry.value or {}) | changes})


def test_a_lost_purchase_is_written_again_from_its_row(built: Pipeline, outside: Outside):
    path = purchase(built)
    kept = Purchase.model_validate_json(path.read_bytes())
    path.unlink()
    missing = (
        f"summaries_ru {DAY} 2603.10001: its purchase is missing. "
        "Mended by: `papers verify --repair`\n"
    )
    assert papers("verify").stdout == missing
    assert papers("verify", "--repair").stdout == missing
    again = Purchase.model_validate_json(path.read_bytes())
    assert (again.value, again.created_at) == (kept.value, kept.created_at)
    outside.calls()
    built.build(DAY, NEXT_DAY)
    assert outside.calls() == {}
    assert papers("verify").stdout == WELL


def test_a_purchase_that_no_row_holds_is_bought_again_by_the_named_command(
    outside: Outside, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
):
    outside.world.folder = SAMPLE
    outside.offer(monkeypatch)
    pipeline.build(NEXT_DAY)
    row = next(row for row in pipeline.rows("affiliations", NEXT_DAY) if row.state == "done")
    stored = pipeline.data.glob("purchases/affiliations/*/*.json")
    path = next(path for path in stored if row.input_hash in path.read_text())
    path.unlink()
    way_out = f"`papers redo {row.arxiv_id} --only affiliations`, which buys it again"
    for options in ((), ("--repair",)):
        found = papers("verify", *options)
        assert (found.exit_code, found.stdout.count(way_out)) == (1, 1)
    assert papers("redo", row.arxiv_id, "--only", "affiliations").exit_code == 0
    assert papers("verify").stdout == WELL


def test_a_changed_purchase_without_checksum_is_written_again_from_its_row(built: Pipeline):
    path = purchase(built)
    changed = altered(path, title="Чайник").model_copy(update={"format": 1})
    path.write_text(changed.model_dump_json())
    found = papers("verify")
    assert found.exit_code == 1
    assert f"it says something else than its purchase {path.name}" in one_line(found.stdout)
    assert "Mended by: `papers verify --repair`" in found.stdout
    assert papers("verify", "--repair").exit_code == 1
    again = Purchase.model_validate_json(path.read_bytes())
    assert again.value["title"] == built.rows("summaries_ru", DAY)[0].title
    assert papers("verify", "--repair").exit_code == 0
    assert papers("verify").stdout == WELL


def test_between_a_row_and_a_purchase_that_both_have_checksums_a_new_answer_decides(
    built: Pipeline, outside: Outside
):
    path = purchase(built)
    path.write_bytes(sealed.encode(altered(path, title="Чайник")))
    way_out = "Mended by: `papers redo 2603.10001 --only summaries_ru`, which buys it again"
    assert papers("verify", "--repair").stdout.count(way_out) == 2
    assert papers("redo", "2603.10001", "--only", "summaries_ru").exit_code == 0
    assert papers("verify").stdout == WELL


def test_a_row_of_another_answer_is_built_again(built: Pipeline, outside: Outside):
    table = built.data / "lake" / "summaries_ru" / f"{DAY}.parquet"
    earlier = table.read_bytes()
    assert papers("redo", "2603.10001", "--only", "summaries_ru").exit_code == 0
    table.write_bytes(earlier)
    found = papers("verify")
    assert "summaries_ru 2026-03-02 2603.10001: it was made from another answer" in found.stdout
    assert f"Mended by: `papers build --date {DAY}`" in found.stdout
    outside.calls()
    built.build(DAY)
    assert outside.calls() == {}
    assert papers("verify").stdout == WELL


def test_purchases_that_no_row_uses_are_counted_and_no_fault(built: Pipeline):
    path = purchase(built)
    other_question = {"identity": {"prompt_version": "older"}, "provenance": {"model": "a-model"}}
    entry = altered(path).model_copy(update=other_question)
    purchases = purchases_of(load_settings(), built.clock)
    purchases.put(entry)
    found = papers("verify")
    assert found.exit_code == 0
    assert found.stdout.startswith("1 purchased answers are in no row: of earlier prompts or texts")


# Ledger


def spent(pipeline: Pipeline) -> list[Spending]:
    ledger = FileLedger(pipeline.data / "ledger")
    return [line for day in ledger.days() for line in ledger.spent(day)]


def test_purchases_without_a_settled_line_are_entered_into_the_ledger(built: Pipeline):
    before = spent(built)
    assert {line.key for line in before} >= {purchase(built).stem}
    (path,) = (built.data / "ledger").glob("*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    settled = [line for line in lines if line.get("state") != "unsettled"]
    first = [line for line in lines if line not in settled][:1]
    path.write_text("".join(json.dumps(line) + "\n" for line in first))

    found = papers("verify")
    assert found.exit_code == 1
    fault = "its calls are not settled in the ledger. Mended by: `papers verify --repair`"
    assert found.stdout.count(fault) == len({line.key for line in before})
    assert papers("verify", "--repair").exit_code == 1
    assert papers("verify").stdout == WELL
    assert {line.state for line in spent(built)} == {"settled"}
    assert sum(line.usd for line in spent(built)) == pytest.approx(sum(each.usd for each in before))
    assert path.read_text().startswith(json.dumps(first[0]))


def test_an_answer_that_was_paid_for_and_is_nowhere_is_named(built: Pipeline, outside: Outside):
    (built.data / "lake" / "summaries_ru" / f"{DAY}.parquet").unlink()
    (built.data / "lake" / "summaries_ru" / f"{NEXT_DAY}.parquet").unlink()
    purchase(built).unlink()
    found = papers("verify")
    paid_on = spent(built)[0].at.date()
    assert found.stdout == (
        f"summaries_ru 2603.10001: an answer was paid for on {paid_on}, and is nowhere. "
        f"Mended by: `papers build --date {DAY}`\n"
    )
    outside.calls()
    built.build(DAY, NEXT_DAY)
    assert outside.calls() == {"ru": 1}
    assert papers("verify").stdout == WELL


def test_lines_of_earlier_releases_name_no_purchase_and_are_no_fault(built: Pipeline):
    (path,) = (built.data / "ledger").glob("*.jsonl")
    lines = []
    for line in path.read_text().splitlines():
        stored = json.loads(line)
        del stored["key"]
        lines.append(json.dumps(stored) + "\n")
    path.write_text("".join(lines))
    assert papers("verify").stdout == WELL


# Strays

STRAYS = (
    "lake/summaries_ru/notes.txt",
    "purchases/summaries_ru/ab/cd.json",
    "batches/jobs/mine.json",
    "attempts/readme.md",
    "blobs/pdf/a.txt",
    "ledger/2026-03-02.csv",
    "logs/mine",
    "site/ru/p/2603.99999.html",
    "site/.DS_Store",
)


def test_files_that_nobody_owns_are_named_and_stay(built: Pipeline):
    for path in STRAYS:
        stray = built.data / path
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.write_text("mine")
    for options in ((), ("--repair",)):
        found = papers("verify", *options)
        assert found.exit_code == 1
        told = sorted(found.stdout.splitlines())
        assert [line.partition(": ")[0] for line in told] == sorted(STRAYS)
        for line in told:
            assert "nothing of the project writes it. Mended by: `rm " in line
    assert {(built.data / path).read_text() for path in STRAYS} == {"mine"}


def test_what_a_killed_process_left_behind_is_deleted_once_it_is_surely_dead(built: Pipeline):
    old, new = (
        built.data / "site" / "ru" / f".index.html.{end}" for end in ("abcd_123", "x1234567")
    )
    for path in (old, new):
        path.write_text("half")
    long_ago = time.time() - 4000
    os.utime(old, (long_ago, long_ago))
    told = f"site/ru/{old.name}: left behind by a process that was killed. Mended by: "
    assert papers("verify").stdout == told + "`papers verify --repair`\n"
    assert papers("verify", "--repair").exit_code == 1
    assert (old.exists(), new.exists()) == (False, True)
    assert papers("verify").stdout == WELL


def test_a_copy_of_a_damaged_file_stays_until_the_file_is_back(built: Pipeline):
    table = built.data / "lake" / "summaries_en" / f"{DAY}.parquet"
    table.write_bytes(b"PAR1")
    papers("verify")
    copy = table.with_name(f"{table.name}.damaged")
    for options in ((), ("--repair",)):
        found = papers("verify", *options)
        assert found.exit_code == 1
        assert f"lake/summaries_en/{copy.name}: the copy of a damaged file, which is not back" in (
            one_line(found.stdout)
        )
        assert f"summaries_en {DAY}: damaged; it is set aside" in found.stdout
    built.build(DAY)
    assert papers("verify").exit_code == 0
    assert copy.exists()
    assert papers("verify", "--repair").exit_code == 0
    assert papers("verify").stdout == WELL
