"""Reads everything that is stored, and names what is damaged, missing or changed."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.records import Record
from papers_pipeline.site.writer import Site
from papers_pipeline.store import files as storage
from papers_pipeline.store.cache import Cache
from papers_pipeline.store.lake import Lake, scan_table

PAGES = ("daily_pages", "monthly_pages", "weekly_pages")
SET_ASIDE = "damaged; it is set aside"

Chosen = Callable[[], bool]
"""Whether the next file is read: of a sample, only some are."""


@dataclass(frozen=True)
class Finding:
    """What is wrong with a stored file, and the command that mends it."""

    subject: str
    fault: str
    way_out: str


def chooser(share: float) -> Chosen:
    """Chooses this share of the files, from 0 to 1, others each time."""
    generator = random.Random()
    return lambda: generator.random() < share


def verify(
    lake: Lake, cache: Cache, site: Site, chosen: Chosen, *, repair: bool
) -> Iterator[Finding]:
    """The findings about tables, purchases and pages, in this order.

    Damaged tables and purchases are set aside, as by every reader. With `repair`, pages that are
    not as written are deleted, so that the next build writes them again.
    """
    yield from _tables(lake, chosen)
    for path in cache.damaged(chosen):
        yield Finding(str(path), SET_ASIDE, "papers build of its days, from stored rows")
    yield from _pages(lake, site, chosen, repair=repair)


def _tables(lake: Lake, chosen: Chosen) -> Iterator[Finding]:
    for asset in lake.assets():
        for partition in lake.partitions(asset):
            if not chosen():
                continue
            subject = f"{asset} {partition}"
            try:
                rows = lake.read(asset, partition, Record)
            except OperatorError as error:
                yield Finding(subject, str(error), "upgrade")
                continue
            if rows is None:
                yield Finding(subject, SET_ASIDE, f"papers build --date {partition}")


def _pages(lake: Lake, site: Site, chosen: Chosen, *, repair: bool) -> Iterator[Finding]:
    written: dict[str, set[str]] = defaultdict(set)
    days: dict[str, str] = {}
    for asset in PAGES:
        columns = ("path", "sha256")
        for row in scan_table(lake, asset, lake.partitions(asset), columns).to_pylist():
            # Several days write the page of a paper that moved; the last one counts.
            written[row["path"]].add(row["sha256"])
            days[row["path"]] = row["partition"]
    for path in sorted(written):
        if not chosen():
            continue
        file = site.root / path
        data = storage.read(file)
        way_out = f"papers build --date {days[path]}"
        if data is None:
            yield Finding(path, "missing", way_out)
        elif storage.sha256_of(data) not in written[path]:
            if repair:
                file.unlink()
            else:
                way_out = f"papers verify --repair, then {way_out}"
            yield Finding(path, "not as it was written", way_out)
