"""The data on a bucket: what one process writes the others see, and few requests are made."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.settings import load_settings
from papers_pipeline.store import files as storage
from papers_pipeline.store.bucket import WrittenMeanwhile
from papers_pipeline.store.purchases import Purchase
from papers_pipeline.wiring import purchases_of, viewed
from papers_pipeline_tests.helpers.buckets import Requests, enter_bucket, s3_server
from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import LONG_AGO, Outside, kettles
from papers_pipeline_tests.helpers.terminal import papers

pytestmark = pytest.mark.slow

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"
WELL = "Everything that was read is as it was written.\n"
MOST_REQUESTS = 60
"""For a rebuild of two days with nothing to do."""
OTHER_PROCESS = """
import sys
from papers_pipeline.settings import load_settings
from papers_pipeline.store import files as storage
storage.write(load_settings().data / sys.argv[1], sys.argv[2].encode())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Requests]]:
    with s3_server() as running:
        yield running


@pytest.fixture
def bucket(server: tuple[str, Requests], monkeypatch: pytest.MonkeyPatch, request: Any) -> Any:
    """An empty bucket of this test, which is the data folder."""
    name = request.node.name.replace("_", "-")[:40].strip("-")
    return enter_bucket(monkeypatch, server[0], name)


@pytest.fixture
def requests(server: tuple[str, Requests]) -> Requests:
    """The requests of this test."""
    server[1].taken()
    return server[1]


@pytest.fixture(scope="module")
def objects() -> dict[str, bytes]:
    """What the first build of `built` left on its bucket. Others begin with a copy."""
    return {}


@pytest.fixture
def built(
    bucket: Any,
    outside: Outside,
    pipeline: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    requests: Requests,
    objects: dict[str, bytes],
) -> Pipeline:
    """Two days of two papers each, one of them in common."""
    outside.offer(monkeypatch)
    outside.list(DAY, kettles(1, 2))
    outside.list(NEXT_DAY, kettles(2, 3))
    for key, data in objects.items():
        bucket.Object(key).put(Body=data)
    if not objects:
        assert build().exit_code == 0
        for found in bucket.objects.all():
            objects[found.key] = found.get()["Body"].read()
    outside.calls()
    requests.taken()
    return pipeline


def build() -> Any:
    return papers("build", "--from", DAY, "--to", NEXT_DAY, "--yes")


def keys(bucket: Any, folder: str) -> set[str]:
    return {found.key for found in bucket.objects.filter(Prefix=f"papers/{folder}/")}


def write_elsewhere(path: str, text: str) -> None:
    """Write a file below the data folder in a process of its own."""
    subprocess.run([sys.executable, "-c", OTHER_PROCESS, path, text], check=True)


# Builds


def test_days_are_built_and_a_rebuild_without_changes_asks_little(
    built: Pipeline, bucket: Any, outside: Outside, requests: Requests
):
    pages = keys(bucket, "site")
    assert f"papers/site/d/{DAY}.json" in pages
    assert "papers/site/pagefind/pagefind-entry.json" in pages
    assert build().exit_code == 0  # brings copies to a machine that has none
    requests.taken()
    assert build().exit_code == 0
    asked = requests.taken()
    assert asked.total() <= MOST_REQUESTS, asked
    assert set(asked) == {"LIST"}, asked
    assert not outside.calls()
    assert keys(bucket, "site") == pages
    assert papers("verify").stdout == WELL


def test_a_machine_without_copies_builds_the_same_for_nothing(
    built: Pipeline, bucket: Any, outside: Outside, tmp_path: Path
):
    before = {found.key: found.e_tag for found in bucket.objects.filter(Prefix="papers/site/")}
    shutil.rmtree(tmp_path / "home" / "copies", ignore_errors=True)
    bucket.Object(f"papers/site/en/d/{DAY}.html").delete()
    assert build().exit_code == 0
    after = {found.key: found.e_tag for found in bucket.objects.filter(Prefix="papers/site/")}
    assert after == before
    assert not outside.calls()


def test_the_site_is_published_from_a_copy_that_is_kept_up_to_date(
    built: Pipeline, bucket: Any, tmp_path: Path, requests: Requests
):
    www = tmp_path / "www"
    assert papers("publish", "--to", str(www)).exit_code == 0
    published = {path.relative_to(www).as_posix() for path in www.rglob("*") if path.is_file()}
    on_bucket = {key.removeprefix("papers/site/") for key in keys(bucket, "site")}
    assert published - {".papers-published.json"} == on_bucket
    requests.taken()
    write_elsewhere("site/en/index.html", "changed elsewhere")
    bucket.Object("papers/site/robots.txt").delete()
    assert "2 changed" in papers("publish", "--to", str(www)).stdout
    assert (www / "en" / "index.html").read_text() == "changed elsewhere"
    assert not (www / "robots.txt").exists()
    assert requests.taken()["GET"] <= 2  # one by the other process, which compares first


def test_what_was_bought_is_copied_and_restored(
    built: Pipeline, bucket: Any, outside: Outside, requests: Requests
):
    target = f"s3://{bucket.name}/copy"
    assert papers("backup", target).exit_code == 0
    bought = keys(bucket, "purchases")
    for key in bought | keys(bucket, "lake"):
        bucket.Object(key).delete()
    requests.taken()
    assert papers("restore", target).exit_code == 0
    assert keys(bucket, "purchases") == bought
    assert build().exit_code == 0
    assert not outside.calls()
    assert ", 0 copied" in papers("backup", target).stdout


def test_what_is_damaged_is_set_aside_and_mended(built: Pipeline, bucket: Any):
    damaged = bucket.Object(f"papers/lake/daily_issue/{DAY}.parquet")
    damaged.put(Body=b"PAR1")
    bucket.Object(f"papers/site/ru/d/{DAY}.html").delete()
    told = papers("verify").stdout
    assert f"daily_issue {DAY}: damaged; it is set aside" in told
    assert f"ru/d/{DAY}.html: missing" in told
    assert build().exit_code == 0
    assert papers("verify", "--repair").exit_code == 0
    assert papers("verify").stdout == WELL


def test_old_attempts_and_logs_are_pruned(
    bucket: Any, outside: Outside, pipeline: Pipeline, tmp_path: Path
):
    old, new = LONG_AGO.date() - timedelta(days=40), LONG_AGO.date()
    for day in (old, new):
        bucket.Object(f"papers/attempts/{day}/cs/0601001.summaries_en.1.json").put(Body=b"{}")
    log = tmp_path / "home" / "logs" / "2025-01-01" / "run.log"
    log.parent.mkdir(parents=True)
    log.write_text("old")
    assert pipeline.run_job("prune").success
    assert keys(bucket, "attempts") == {f"papers/attempts/{new}/cs/0601001.summaries_en.1.json"}
    assert not log.parent.exists()


# Several processes


def test_what_another_process_writes_is_seen_at_once_and_in_a_view_at_the_next_look(bucket: Any):
    settings = load_settings()
    tables = settings.data / "lake" / "paper_votes"
    table = tables / f"{DAY}.parquet"
    assert storage.names(tables) == []
    write_elsewhere(f"lake/paper_votes/{DAY}.parquet", "one")
    assert storage.names(tables) == [table.name]
    with viewed(settings):
        assert storage.read(table) == b"one"
        write_elsewhere(f"lake/paper_votes/{DAY}.parquet", "another")
        assert storage.read(table) == b"one"
        with viewed(settings):
            assert storage.read(table) == b"another"
    assert storage.read(table) == b"another"


def test_in_a_view_a_process_sees_what_it_writes_and_deletes(bucket: Any, requests: Requests):
    settings = load_settings()
    table = settings.data / "lake" / "paper_votes" / f"{DAY}.parquet"
    with viewed(settings):
        assert storage.write(table, b"one")
        assert not storage.write(table, b"one")
        assert storage.read(table) == b"one"
        assert storage.names(table.parent) == [table.name]
        assert requests.taken()["GET"] == 0
        storage.delete(table)
        assert not storage.exists(table)
        assert storage.read(table) is None


def test_what_another_process_bought_meanwhile_is_not_bought_again(bucket: Any):
    settings, clock = load_settings(), FixedClock(LONG_AGO)
    purchases = purchases_of(settings, clock)
    identity = {"prompt_version": "1", "input_hash": "2"}

    def entry(text: str) -> Purchase:
        return Purchase(asset="a", identity=identity, created_at=LONG_AGO, value={"text": text})

    async def buy() -> Purchase:
        raise AssertionError("bought again")

    with viewed(settings):
        assert purchases.get("a", identity) is None
        path = purchases.path("a", identity).path.partition("/papers/")[2]
        purchases.put(entry("the other's"))
        sealed = storage.read(settings.data / path)
        assert sealed
        bucket.Object(f"papers/{path}").delete()
    with viewed(settings):
        assert purchases.get("a", identity) is None
        write_elsewhere(path, sealed.decode())
        bought, was_there = asyncio.run(purchases.get_or_compute("a", identity, buy))
        assert was_there
        assert bought == entry("the other's").model_copy(update={"format": bought.format})


def test_a_table_that_another_process_wrote_meanwhile_is_not_replaced(bucket: Any):
    settings = load_settings()
    path = settings.data / "lake" / "paper_votes" / f"{DAY}.parquet"
    cache = settings.data / "lake" / "catalogue.json"
    with viewed(settings):
        assert storage.read(path) is None
        write_elsewhere("lake/catalogue.json", "theirs, which can be made again")
        assert storage.write(cache, b"ours")
        write_elsewhere(f"lake/paper_votes/{DAY}.parquet", "theirs")
        with pytest.raises(WrittenMeanwhile, match="PAPERS_COORDINATION_URL"):
            storage.write(path, b"ours")
    assert storage.read(path) == b"theirs"
    with viewed(settings):
        assert storage.read(path) == b"theirs"
        write_elsewhere(f"lake/paper_votes/{DAY}.parquet", "theirs again")
        with pytest.raises(WrittenMeanwhile):
            storage.write(path, b"ours")


# The operator


def test_doctor_says_that_one_machine_may_build_and_why_a_bucket_cannot_be_written(
    bucket: Any, outside: Outside, monkeypatch: pytest.MonkeyPatch
):
    told = " ".join(papers("doctor").stdout.split())
    assert f"ok PAPERS_DATA_DIR s3://{bucket.name}/papers can be written to" in told
    assert "– PAPERS_COORDINATION_URL files of this machine" in told
    assert f"no other machine may build into s3://{bucket.name}/papers" in told
    assert not list(bucket.objects.all())
    monkeypatch.setenv("PAPERS_DATA_DIR", "s3://no-such-bucket/papers")
    assert "wrong PAPERS_DATA_DIR" in " ".join(papers("doctor").stdout.split())
