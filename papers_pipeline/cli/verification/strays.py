"""Strays: files in the data folder that no writer of the project would name."""

import re
import time
from collections.abc import Iterator

from papers_pipeline.cli.verification.finding import REPAIR, Finding, Remark
from papers_pipeline.cli.verification.pages import KnownPages
from papers_pipeline.cli.verification.stored import Stored
from papers_pipeline.store import files as storage
from papers_pipeline.store.bucket import Entry
from papers_pipeline.store.damage import SUFFIX
from papers_pipeline.store.purchases import EARLIER

DAY = r"\d{4}-\d\d-\d\d"
KEYED = r"(?P<two>[0-9a-f]{2})/(?P=two)[0-9a-f]{62}\.json"
OWNED = {
    "lake": r"([^/]+/)?[^/.]+\.parquet|(catalogue|organizations)\.json|site_built\.txt|published",
    "purchases": rf"[^/]+/{KEYED}",
    EARLIER: r"(?!)",
    "batches": rf"(jobs|requests)/[0-9a-f]{{12}}\.json|texts/{KEYED}",
    "attempts": rf"{DAY}/.+\.json",
    "blobs": r"pdf/[^/]+\.pdf",
    "ledger": rf"{DAY}\.jsonl|\.lock",
    "logs": r"[^/]+/[^/]+\.log",
}
"""The files that belong into each folder of the data, by their paths below it.

`published` is written by `deploy/pages.yml`. What is left in the folder that purchases had in
earlier releases is there twice.
"""
SITE = "site"
SEARCH = "pagefind/"
"""Pagefind names its files by their contents, and its writer deletes those that it left behind."""
UNFINISHED = re.compile(r"\..+\.[a-z0-9_]{8}")
"""A file being written, or left behind by a killed process: see `store/files.py`."""
SURELY_DEAD_SECONDS = 3600


def strays(stored: Stored, known: KnownPages) -> Iterator[Finding | Remark]:
    """The findings about strays. Copies of damaged files are no fault, only remarks.

    To repair, tails of killed processes are deleted, and damaged copies whose original is back.
    """
    for folder, owned in OWNED.items():
        pattern = re.compile(owned)
        for path, entry in storage.listing(stored.data / folder).items():
            if not pattern.fullmatch(path):
                yield from _stray(stored, f"{folder}/{path}", entry)
    for path, entry in storage.listing(stored.data / SITE).items():
        is_known = path in known.sha256s or path.startswith(SEARCH)
        if not is_known and (known.are_all or _is_left_behind(path)):
            yield from _stray(stored, f"{SITE}/{path}", entry)


def _stray(stored: Stored, path: str, entry: Entry) -> Iterator[Finding | Remark]:
    """What a file is that no writer names."""
    file = stored.data / path
    if path.endswith(SUFFIX):
        is_back = storage.exists(file.with_name(file.name.removesuffix(SUFFIX)))
        if not is_back:
            yield Remark(f"{path}: the copy of a damaged file, which is not back yet")
        elif stored.repair:
            storage.delete(file)
            yield Remark(f"{path}: the copy of a damaged file, which is back: deleted")
        else:
            yield Remark(f"{path}: the copy of a damaged file, which is back: {REPAIR} deletes it")
    elif not _is_left_behind(path):
        yield Finding(path, "nothing of the project writes it", f"`rm {file}`, if nobody needs it")
    elif time.time() - entry.changed_at > SURELY_DEAD_SECONDS:
        yield Finding(path, "left behind by a process that was killed", REPAIR)
        if stored.repair:
            storage.delete(file)


def _is_left_behind(path: str) -> bool:
    """Whether a file is not for good: a damaged copy, or a tail."""
    return path.endswith(SUFFIX) or UNFINISHED.fullmatch(path.rpartition("/")[2]) is not None
