"""Pages: each is there as it was written."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from papers_pipeline.cli.verification.finding import REPAIR, Finding
from papers_pipeline.cli.verification.stored import Stored
from papers_pipeline.records import SiteFile
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import scan_table

PAGES = ("daily_pages", "monthly_pages", "weekly_pages")
INDEX = "site_index"


@dataclass
class KnownPages:
    """What the writers of pages have noted: SHA-256 and way out of each page, by its path.

    Several days write the page of a paper that moved. Any of them may have been the last.
    `are_all` unless one of the tables is lost.
    """

    sha256s: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ways_out: dict[str, str] = field(default_factory=dict)
    are_all: bool = True


def known_pages(stored: Stored) -> KnownPages:
    """The pages that the tables name."""
    lake = stored.lake
    known = KnownPages()
    for asset in PAGES:
        columns = ("path", "sha256")
        partitions = lake.partitions(asset)
        ways_out = {partition: stored.build(partition) for partition in partitions}
        for row in scan_table(lake, asset, partitions, columns).to_pylist():
            known.sha256s[row["path"]].add(row["sha256"])
            known.ways_out[row["path"]] = ways_out[row["partition"]]
        known.are_all = known.are_all and not lake.lost(asset)
    index = lake.read(INDEX, None, SiteFile)
    known.are_all = known.are_all and index is not None
    way_out = stored.build()
    for file in index or ():
        known.sha256s[file.path].add(file.sha256)
        known.ways_out[file.path] = way_out
    return known


def pages(stored: Stored, known: KnownPages) -> Iterator[Finding]:
    """The findings about pages. Changed ones are deleted to repair them: builds write them."""
    for path in sorted(known.sha256s):
        if not stored.chosen():
            continue
        data = storage.read(stored.site.root / path)
        if data is None:
            yield Finding(path, "missing", known.ways_out[path])
        elif storage.sha256_of(data) not in known.sha256s[path]:
            first = "" if stored.repair else f"{REPAIR}, then "
            yield Finding(path, "not as it was written", first + known.ways_out[path])
            if stored.repair:
                storage.delete(stored.site.root / path)
