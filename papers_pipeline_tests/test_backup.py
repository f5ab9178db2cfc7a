"""A backup brings back everything that was bought after the machine is lost."""

import shutil
from pathlib import Path

import pytest
from upath import UPath

from papers_pipeline.sandbox.world import SAMPLE
from papers_pipeline.store.backup import back_up, restore
from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import Outside
from papers_pipeline_tests.helpers.terminal import one_line, papers

DAY = "2026-03-03"


@pytest.fixture
def built(outside: Outside, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A day with every kind of answer."""
    outside.world.folder = SAMPLE
    outside.offer(monkeypatch)
    pipeline.build_day(DAY)
    return pipeline


def lose_machine(pipeline: Pipeline) -> None:
    """Delete the data folder and Dagster's home."""
    for path in pipeline.data.iterdir():
        shutil.rmtree(path)


def test_after_the_loss_of_the_machine_the_day_is_built_again_for_nothing(
    outside: Outside, built: Pipeline, tmp_path: Path
):
    pages = built.files()
    assert papers("backup", str(tmp_path / "copy")).exit_code == 0
    ledger = [path.read_bytes() for path in (built.data / "ledger").glob("*.jsonl")]
    lose_machine(built)
    outside.calls()
    assert papers("restore", str(tmp_path / "copy")).exit_code == 0
    built.build_day(DAY)
    assert outside.calls() == {}
    assert built.files() == pages
    assert [path.read_bytes() for path in (built.data / "ledger").glob("*.jsonl")] == ledger


def test_a_second_backup_copies_only_what_changed(built: Pipeline, tmp_path: Path):
    first = papers("backup", str(tmp_path / "copy")).stdout
    assert papers("backup", str(tmp_path / "copy")).stdout.endswith(" files, 0 copied\n")
    with (built.data / "ledger" / "2026-01-01.jsonl").open("w") as ledger:
        ledger.write("{}\n")
    again = papers("backup", str(tmp_path / "copy")).stdout
    assert again.endswith(" files, 1 copied\n")
    assert "files, 0 copied" not in first


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, UPath]:
    """Two folders with a file each."""
    made = {}
    for name in ("lake", "purchases"):
        folder = tmp_path / "data" / name
        (folder / "asset").mkdir(parents=True)
        (folder / "asset" / "one.json").write_text(name)
        (folder / ".one.json.tmp").write_text("being written")
        (folder / "two.json.damaged").write_text("damaged")
        made[name] = UPath(folder)
    return made


def test_what_is_there_stays_and_what_is_missing_comes_back(folders, tmp_path: Path):
    target = UPath(tmp_path / "copy")
    assert back_up(folders, target).written == 2
    (folders["lake"] / "asset" / "one.json").write_text("newer")
    (folders["purchases"] / "asset" / "one.json").unlink()
    done = restore(target, folders)
    assert (done.files, done.written, done.damaged) == (2, 1, ())
    assert (folders["lake"] / "asset" / "one.json").read_text() == "newer"
    assert (folders["purchases"] / "asset" / "one.json").read_text() == "purchases"


def test_a_copy_of_an_earlier_release_is_restored(folders, tmp_path: Path):
    target = UPath(tmp_path / "copy")
    purchase = folders["purchases"] / "asset" / "one.json"
    assert back_up({"cache": folders["purchases"]}, target).written == 1
    assert back_up({"purchases": folders["purchases"]}, target).written == 0
    purchase.unlink()
    assert restore(target, folders).written == 1
    assert purchase.read_text() == "purchases"

    purchase.write_text("a new answer")
    assert back_up({"purchases": folders["purchases"]}, target).written == 1
    purchase.unlink()
    assert restore(target, folders).written == 1
    assert purchase.read_text() == "a new answer"


def test_a_damaged_file_of_the_copy_is_named_and_left_out(folders, tmp_path: Path):
    target = UPath(tmp_path / "copy")
    back_up(folders, target)
    (target / "lake" / "asset" / "one.json").write_text("flipped")
    for folder in folders.values():
        (folder / "asset" / "one.json").unlink()
    done = restore(target, folders)
    assert (done.written, done.damaged) == (1, ("lake/asset/one.json",))
    assert not (folders["lake"] / "asset" / "one.json").exists()


def test_a_bucket_takes_a_backup(folders):
    target = UPath("memory://bucket/copy")
    back_up(folders, target)
    (folders["lake"] / "asset" / "one.json").unlink()
    assert restore(target, folders).written == 1
    assert (folders["lake"] / "asset" / "one.json").read_text() == "lake"


def test_a_place_that_is_no_backup_is_an_error_that_names_the_command(tmp_path: Path):
    result = papers("restore", str(tmp_path / "nothing"))
    assert result.exit_code == 1
    assert "name the target of `papers backup`" in one_line(result.stderr)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "manifest.json").write_text("{")
    result = papers("backup", str(tmp_path / "copy"))
    assert result.exit_code == 1
    assert "name an empty folder for a new backup" in one_line(result.stderr)
