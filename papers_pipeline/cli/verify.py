"""Reads everything that is stored, and names what is damaged, missing or changed."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.records import Record, SiteFile
from papers_pipeline.site.writer import Site
from papers_pipeline.store import files as storage
from papers_pipeline.store.cache import Cache
from papers_pipeline.store.lake import Lake, scan_table

PAGES = ("daily_pages", "monthly_pages", "weekly_pages")
INDEX = "site_index"
SET_ASIDE = "damaged; it is set aside"

Chosen = Callable[[], bool]
"""Whether the next file is read: of a sample, only some are."""


@dataclass(frozen=True)
class Finding:
    """What is wrong with a stored file, and what mends it."""

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
    for path in cache.paths():
        if chosen():
            yield from _examined(str(path), partial(cache.read, path), "a build of its paper's day")
    yield from _pages(lake, site, chosen, repair=repair)


def _tables(lake: Lake, chosen: Chosen) -> Iterator[Finding]:
    for asset in lake.unpartitioned():
        if chosen():
            yield from _examined(asset, partial(lake.read, asset, None, Record), _build(lake))
    for asset in lake.assets():
        for partition in lake.partitions(asset):
            if chosen():
                read = partial(lake.read, asset, partition, Record)
                yield from _examined(f"{asset} {partition}", read, _build(lake, partition))


def _examined(subject: str, read: Callable[[], object], way_out: str) -> Iterator[Finding]:
    """The finding about a file that `read` returns None for, or refuses as newer."""
    try:
        if read() is None:
            yield Finding(subject, SET_ASIDE, way_out)
    except OperatorError as error:
        yield Finding(subject, str(error), "an upgrade")


def _build(lake: Lake, first: str = "") -> str:
    """The command that builds the first day from `first` on, which is the first day of a week or
    month too, and with it what spans days; else the newest."""
    days = lake.partitions("daily_issue")
    later = [day for day in days if day >= first] if first else days[-1:]
    return f"`papers build --date {later[0] if later else first or 'latest'}`"


def _pages(lake: Lake, site: Site, chosen: Chosen, *, repair: bool) -> Iterator[Finding]:
    # Several days write the page of a paper that moved. Any of them may have been the last.
    written: dict[str, set[str]] = defaultdict(set)
    ways_out: dict[str, str] = {}
    for asset in PAGES:
        columns = ("path", "sha256")
        for row in scan_table(lake, asset, lake.partitions(asset), columns).to_pylist():
            written[row["path"]].add(row["sha256"])
            ways_out[row["path"]] = _build(lake, row["partition"])
    for file in lake.read(INDEX, None, SiteFile) or ():
        written[file.path].add(file.sha256)
        ways_out[file.path] = _build(lake)
    for path in sorted(written):
        if not chosen():
            continue
        data = storage.read(site.root / path)
        if data is None:
            yield Finding(path, "missing", ways_out[path])
        elif storage.sha256_of(data) not in written[path]:
            first = "" if repair else "`papers verify --repair`, then "
            yield Finding(path, "not as it was written", first + ways_out[path])
            if repair:
                (site.root / path).unlink()
