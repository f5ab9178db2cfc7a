"""A file is replaced atomically, and only if its bytes differ."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from upath import UPath

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.records import Delivery, FeedResponse, PaperVotes
from papers_pipeline.store import files as storage
from papers_pipeline.store import lake
from papers_pipeline.store.lake import Lake
from papers_pipeline.store.ledger import FileLedger, Spending
from papers_pipeline.store.purchases import Purchase, Purchases


def test_a_file_is_written_once_for_the_same_bytes(tmp_path):
    path = UPath(tmp_path) / "a" / "b.json"
    assert storage.write(path, b"one") is True
    before = (tmp_path / "a" / "b.json").stat().st_mtime_ns
    assert storage.write(path, b"one") is False
    assert (tmp_path / "a" / "b.json").stat().st_mtime_ns == before
    assert storage.write(path, b"two") is True
    assert storage.read(path) == b"two"
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["b.json"]


def test_a_failed_write_leaves_only_the_old_file(tmp_path, monkeypatch):
    path = UPath(tmp_path) / "page.html"
    storage.write(path, b"good")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        storage.write(path, b"bad")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [
        ("page.html", b"good")
    ]


def test_what_a_killed_writer_left_is_taken_over_by_the_next(tmp_path):
    (tmp_path / ".page.html.partial").write_bytes(b"the first half of a long page")
    assert storage.write(UPath(tmp_path) / "page.html", b"good") is True
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [
        ("page.html", b"good")
    ]


def test_writers_of_one_file_do_not_mix(tmp_path):
    path = UPath(tmp_path) / "page.html"
    pages = [bytes([65 + number]) * 100_000 for number in range(20)]
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda page: storage.write(path, page), pages))
    assert storage.read(path) in pages
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_a_missing_file_is_none(tmp_path):
    assert storage.read(UPath(tmp_path) / "nothing") is None


def test_a_bucket_is_written_with_one_put():
    path = UPath("memory://bucket/site/page.html")
    assert storage.write(path, b"one") is True
    assert storage.write(path, b"one") is False
    assert storage.read(path) == b"one"


@pytest.fixture
def synced(monkeypatch) -> list[int]:
    """The inodes that were put on the disk, in order."""
    found: list[int] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        found.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    return found


def inodes(*paths: Path) -> list[int]:
    return [path.stat().st_ino for path in paths]


def test_a_durable_file_is_on_the_disk_with_every_folder_that_leads_to_it(tmp_path, synced):
    file = tmp_path / "a" / "b" / "c.json"
    storage.write(UPath(file), b"one", durable=True)
    assert synced == inodes(file, file.parent, tmp_path / "a", tmp_path)
    synced.clear()
    storage.write(UPath(file), b"two", durable=True)
    assert synced == inodes(file, file.parent)
    synced.clear()
    storage.write(UPath(file), b"three")
    assert synced == []


def test_what_cannot_be_had_again_is_on_the_disk_when_it_counts_as_kept(tmp_path, synced):
    """Purchases, the ledger, responses of the list and what was delivered; no other table."""
    now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    locks = FileCoordination(tmp_path / "home", tmp_path / "ledger")
    purchases = Purchases(UPath(tmp_path) / "purchases", locks, FixedClock(now))
    bought = Purchase(asset="a", identity={"k": "1"}, created_at=now, value={})
    purchases.put(bought)
    FileLedger(tmp_path / "ledger").add(
        Spending(at=now, asset="a", provider="p", model="m", input_tokens=1, output_tokens=1)
    )
    tables = Lake(UPath(tmp_path) / "lake")
    responses = tables.path("feed_response", "2026-03-02")
    lake.write(responses, [FeedResponse(fetched_at=now, page=0, body="[]")], FeedResponse)
    sent = tables.path("delivery_email", "2026-03-02")
    row = Delivery(key="k.1", language="en", state="sending", sha256="0")
    lake.write(sent, [row], Delivery)
    ledger = tmp_path / "ledger" / "2026-03-02.jsonl"
    kept = [purchases.path("a", {"k": "1"}), responses, sent, ledger]
    for file in map(Path, kept):
        assert {*inodes(file, file.parent)} <= set(synced), file
    synced.clear()
    lake.write(tables.path("paper_votes", "2026-03-02"), [], PaperVotes)
    assert synced == []
