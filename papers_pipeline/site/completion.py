"""Remembers from what the whole site was built, so that a build without changes can skip it."""

import hashlib
from collections.abc import Sequence
from datetime import date

from papers_pipeline.enrichment.organizations import FILE as ORGANIZATIONS
from papers_pipeline.records import SiteFile
from papers_pipeline.site.catalogue import digest
from papers_pipeline.site.periods import PAGES, SpanKind, span_of
from papers_pipeline.site.version import page_version
from papers_pipeline.site.writer import Site
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import EXTENSION, Lake

FILE = "site_built.txt"
"""In the lake's folder: the hash of what the site was last built from. It can be deleted."""
SOURCES = ("daily_issue", "feed_listing", "related_papers")
"""The assets of days from which pages that span days are made."""
KINDS: tuple[SpanKind, ...] = ("month", "week")


def is_complete(site: Site, lake: Lake, days: Sequence[date], today: date) -> bool:
    """Whether every page that spans days is as a build of the site after `days` would make it.

    Pages of other months and weeks than those of `days` are not looked for.
    """
    if storage.read(lake.root / FILE) != _built_from(site, lake, today):
        return False
    tables = [lake.read("site_index", None, SiteFile)]
    for kind in KINDS:
        for span in {span_of(kind, day) for day in days}:
            tables.append(lake.read(PAGES[kind], span.first.isoformat(), SiteFile))
    return all(files is not None and all(map(site.has, files)) for files in tables)


def remember(site: Site, lake: Lake, today: date) -> None:
    """Note that the whole site was built from the lake as it is now."""
    storage.write(lake.root / FILE, _built_from(site, lake, today))


def _built_from(site: Site, lake: Lake, today: date) -> bytes:
    """Hash of the days' tables by their stamps, of what makes pages, and of the UTC day.

    That suffices: a table is written only if its bytes differ. A month may end overnight.
    """
    appearance = [page_version(), *site.renderer.appearance, str(today)]
    built_from = hashlib.sha256(digest(appearance).encode())
    built_from.update(storage.read(lake.root / ORGANIZATIONS) or b"")
    for asset in SOURCES:
        for name, entry in storage.listing(lake.root / asset).items():
            if name.endswith(EXTENSION):
                built_from.update(f"{asset} {name} {entry.stamp}\n".encode())
    return built_from.hexdigest().encode() + b"\n"
