"""A file is replaced atomically, and only if its bytes differ."""

import pytest
from upath import UPath

from papers_pipeline.store import files as storage


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


def test_a_missing_file_is_none(tmp_path):
    assert storage.read(UPath(tmp_path) / "nothing") is None


def test_a_bucket_is_written_with_one_put():
    path = UPath("memory://bucket/site/page.html")
    assert storage.write(path, b"one") is True
    assert storage.write(path, b"one") is False
    assert storage.read(path) == b"one"
