"""Data that version 0.1.0 wrote: a later version opens it, builds on it, and buys none of it again.

`fixtures/README.md` says what is stored and how it was made.
"""

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from papers_pipeline.prompts.prompt import Prompts, load_prompts
from papers_pipeline.sandbox.world import Call
from papers_pipeline_tests.conftest import Outside
from papers_pipeline_tests.helpers.terminal import papers

ARCHIVE = Path(__file__).parent / "fixtures" / "data_0_1_0.tar.gz"
NEXT_DAY = "2026-03-05"
LANGUAGES = ("ru", "en", "zh")


@dataclass
class Stored:
    """The unpacked data: its folder, its only day, and that day's record and list."""

    data: Path
    day: str
    record: dict[str, Any]
    entries: list[dict[str, Any]]

    @property
    def home(self) -> Path:
        return self.data / "dagster"

    @property
    def prompts(self) -> Prompts:
        """The prompts of then, without those that came later."""
        return load_prompts(packaged=self.data.parent / "prompts", languages=LANGUAGES)

    def plan(self) -> list[dict[str, Any]]:
        """The rows of the plan for the assets of then."""
        result = papers("plan", "--json")
        assert result.exit_code == 0, result.output
        assets = {prompt.asset for prompt in self.prompts.every}
        return [row for row in json.loads(result.stdout)["rows"] if row["asset"] in assets]

    def asked_again(self, outside: Outside) -> list[Call]:
        """The calls for an answer that a prompt of then asked for."""
        outputs = [set(prompt.output) for prompt in self.prompts.every]
        return [call for call in outside.world.calls if set(call.fields) in outputs]

    def runs(self) -> set[str]:
        """The ids of all runs, each of which has a database of its own."""
        databases = (self.home / "history" / "runs").glob("*.db")
        return {path.stem for path in databases} - {"index"}

    def published(self, day: str) -> dict[str, Any]:
        """The record of a day as it is on the site now."""
        return json.loads((self.data / "site" / "d" / f"{day}.json").read_text(encoding="utf-8"))


@pytest.fixture
def stored(outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """The stored data in the test's folder, with the list, prompts and languages of then."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "data" / "dagster"))
    monkeypatch.setenv("PAPERS_PROMPTS_DIR", str(tmp_path / "prompts"))
    monkeypatch.setenv("PAPERS_LANGUAGES", ",".join(LANGUAGES))
    outside.offer(monkeypatch)
    (record,) = (tmp_path / "data" / "site" / "d").glob("*.json")
    day = record.stem
    entries = json.loads((tmp_path / "lists" / f"{day}.json").read_text(encoding="utf-8"))
    outside.list(day, entries)
    return Stored(tmp_path / "data", day, json.loads(record.read_text(encoding="utf-8")), entries)


def texts(record: dict[str, Any]) -> dict[str, Any]:
    """What models wrote about each paper of a day, and the figures of its HTML."""
    names = ("state", "reason", "source", "title", "text", "model", "prompt_version", "created_at")
    return {
        paper["id"]: {
            "summaries": {
                language: {name: text[name] for name in names}
                for language, text in paper["summaries"].items()
            },
            "emoji": paper["emoji"],
            "topics": paper["topics"]["names"],
            "institutions": paper["affiliations"],
            "authors": {author["name"]: author["affiliations"] for author in paper["authors"]},
            "figures": [(figure["url"], figure["caption"]) for figure in paper["figures"]],
        }
        for paper in record["papers"]
    }


def chinese_text(record: dict[str, Any]) -> dict[str, Any]:
    """The paper and the Chinese sentences of a day's reading task."""
    task = record["reading_task"]
    return {"id": task["id"], "zh": [sentence["text"] for sentence in task["sentences"]]}


def reading(record: dict[str, Any]) -> dict[str, Any]:
    """The Chinese sentences of a day, the words that they explain, and all translations."""
    task = record["reading_task"]
    return {
        **chinese_text(record),
        "words": [word["word"] for word in task["vocabulary"]],
        "translations": task["translations"],
    }


def behind(rows: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    """The failed papers of each day and asset that is not current."""
    late = [row for row in rows if row["state"] != "current"]
    return {(row["day"], row["asset"]): row["failed"] for row in late}


def test_nothing_stored_is_out_of_date(outside: Outside, stored: Stored):
    rows = stored.plan()
    assert {row["calls"] for row in rows} == {0}
    assert behind(rows) == {(stored.day, "summaries_ru"): 1}
    assert outside.world.calls == []


def test_the_ledger_and_the_answers_are_read(stored: Stored):
    ledgers = [path.read_text(encoding="utf-8") for path in (stored.data / "ledger").iterdir()]
    rows = json.loads(papers("costs", "--json").stdout)["rows"]
    assert sum(row["calls"] for row in rows) == sum(len(ledger.splitlines()) for ledger in ledgers)
    for paper in stored.record["papers"]:
        shown = papers("show", paper["id"])
        assert shown.exit_code == 0, shown.output
        for text in paper["summaries"].values():
            assert text["state"] != "done" or text["title"] in shown.stdout


def test_dagster_knows_what_was_built(stored: Stored):
    with dg.DagsterInstance.from_config(str(stored.home)) as instance:
        runs = {run.run_id: run.status for run in instance.get_runs()}
        assert runs == dict.fromkeys(stored.runs(), dg.DagsterRunStatus.SUCCESS)
        for table in (stored.data / "lake").glob("*/*.parquet"):
            asset = dg.AssetKey(table.parent.name)
            assert instance.get_materialized_partitions(asset) == {table.stem}


@pytest.mark.slow
def test_the_day_and_the_next_are_built_from_what_is_stored(outside: Outside, stored: Stored):
    """The next day lists the same papers, about which everything was read and bought before.

    Its reading task has the stored text, but the vocabulary of a new day, which wants translation.
    """
    outside.list(NEXT_DAY, stored.entries)
    runs = stored.runs()
    result = papers("build", "--from", stored.day, "--to", stored.day)
    assert result.exit_code == 0, result.output
    assert stored.asked_again(outside) == []

    result = papers("build", "--from", NEXT_DAY, "--to", NEXT_DAY)
    assert result.exit_code == 0, result.output
    again = stored.asked_again(outside)
    assert [(call.language, *call.fields) for call in again] == [("ru", "sentences", "meanings")]
    assert [asked for asked in outside.world.asked if asked.startswith("pdf ")] == []
    assert reading(stored.published(stored.day)) == reading(stored.record)
    for day in (stored.day, NEXT_DAY):
        assert texts(stored.published(day)) == texts(stored.record)
        assert chinese_text(stored.published(day)) == chinese_text(stored.record)
        for language in LANGUAGES:
            assert (stored.data / "site" / language / "d" / f"{day}.html").exists()

    rows = stored.plan()
    assert {row["calls"] for row in rows} == {0}
    assert behind(rows) == {(stored.day, "summaries_ru"): 1, (NEXT_DAY, "summaries_ru"): 1}

    with dg.DagsterInstance.from_config(str(stored.home)) as instance:
        assert runs < {run.run_id for run in instance.get_runs()}
        asset = dg.AssetKey("summaries_ru")
        assert instance.get_materialized_partitions(asset) == {stored.day, NEXT_DAY}
        of_the_day = dg.AssetRecordsFilter(asset, asset_partitions=[stored.day])
        built = instance.fetch_materializations(of_the_day, limit=9).records
        assert [record.run_id in runs for record in built] == [False, True]


def entries(folder: Path) -> dict[str, bytes]:
    """The files of purchases, by their paths below a folder."""
    found = folder.rglob("*.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_purchases_of_then_are_moved_and_not_bought_again(outside: Outside, stored: Stored, caplog):
    before = entries(stored.data / "cache")
    assert before
    assert {row["calls"] for row in stored.plan()} == {0}
    assert entries(stored.data / "purchases") == before
    assert not (stored.data / "cache").exists()
    assert papers("plan").exit_code == 0
    told = [message for message in caplog.messages if "is now" in message]
    assert told == [f"{stored.data / 'cache'} is now {stored.data / 'purchases'}"]


def test_purchases_of_then_join_those_of_now_and_replace_none(outside: Outside, stored: Stored):
    before = entries(stored.data / "cache")
    stored.plan()
    old, new = stored.data / "cache", stored.data / "purchases"
    first = min(before)
    for path in before:
        (old / path).parent.mkdir(parents=True, exist_ok=True)
        (old / path).write_bytes(before[path])
        if path != first:
            (new / path).unlink()
    (old / first).write_text("older")
    assert {row["calls"] for row in stored.plan()} == {0}
    assert entries(new) == before
    assert entries(old) == {first: b"older"}
