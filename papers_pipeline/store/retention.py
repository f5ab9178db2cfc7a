"""What is deleted when it is old: nothing that a page or a later build would miss."""

from datetime import date, timedelta

from upath import UPath

from papers_pipeline.base.clock import Clock

ATTEMPTS_KEPT = timedelta(days=30)


def prune_days(folder: UPath, keep: timedelta, clock: Clock) -> list[str]:
    """Delete the folders below ``folder`` that are named after a UTC day at least ``keep`` ago; returns their names."""
    if not folder.exists():
        return []
    last = clock.today() - keep
    old = [
        path for path in sorted(folder.iterdir()) if path.is_dir() and _day(path.name, last) < last
    ]
    for path in old:
        for file in path.rglob("*"):
            if file.is_file():
                file.unlink()
        path.rmdir()
    return [path.name for path in old]


def _day(name: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return otherwise
