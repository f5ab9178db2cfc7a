"""Deletes old files that no page and no later build needs."""

from datetime import date, timedelta

from upath import UPath

from papers_pipeline.base.clock import Clock
from papers_pipeline.store import files as storage

ATTEMPTS_KEPT = timedelta(days=30)
BATCHES_KEPT = timedelta(days=30)


def prune_days(folder: UPath, keep: timedelta, clock: Clock) -> list[str]:
    """Delete folders named after a UTC day more than `keep` ago, and return their names."""
    oldest_kept = clock.today() - keep
    deleted = []
    for name in storage.folders(folder):
        day = _day(name)
        if day is not None and day < oldest_kept:
            storage.delete_folder(folder / name)
            deleted.append(name)
    return deleted


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
