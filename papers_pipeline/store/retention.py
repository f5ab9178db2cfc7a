"""Deletes old files that no page and no later build needs."""

from datetime import date, timedelta

from upath import UPath

from papers_pipeline.base.clock import Clock

ATTEMPTS_KEPT = timedelta(days=30)
BATCHES_KEPT = timedelta(days=30)


def prune_days(folder: UPath, keep: timedelta, clock: Clock) -> list[str]:
    """Delete folders named after a UTC day more than `keep` ago, and return their names."""
    if not folder.exists():
        return []
    oldest_kept = clock.today() - keep
    deleted = []
    for path in sorted(folder.iterdir()):
        day = _day(path.name)
        if day is None or day >= oldest_kept or not path.is_dir():
            continue
        path.fs.rm(path.path, recursive=True)  # an id such as cs.AI/0601001 makes a folder
        deleted.append(path.name)
    return deleted


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
