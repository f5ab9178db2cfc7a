"""The book of a channel's day: what was sent, on the disk before and after each message."""

from collections.abc import Callable
from datetime import date

from papers_pipeline.records import Delivery
from papers_pipeline.store.lake import Lake, write


class Book:
    """The rows of one channel and day. Whoever writes holds the lock of the day.

    `is_lost` says that there was a table which can no longer be read: nobody knows what was sent.
    """

    def __init__(self, lake: Lake, channel: str, day: date, check: Callable[[], None]) -> None:
        asset, partition = asset_of(channel), day.isoformat()
        self._path = lake.path(asset, partition)
        self._check = check
        stored = lake.read(asset, partition, Delivery)
        self.is_lost = stored is None and partition in lake.lost(asset)
        self._rows = {row.key: row for row in stored or ()}

    @property
    def rows(self) -> list[Delivery]:
        """The rows, in the order in which they were first written."""
        return list(self._rows.values())

    def get(self, key: str) -> Delivery | None:
        """The row of a message, if it ever was about to be sent."""
        return self._rows.get(key)

    def put(self, *rows: Delivery) -> None:
        """Write rows. They outlive a power cut when this returns. Raises LockLost."""
        self._rows |= {row.key: row for row in rows}
        self._save()

    def drop(self, key: str) -> None:
        """Forget a message that no longer exists."""
        del self._rows[key]
        self._save()

    def _save(self) -> None:
        self._check()
        write(self._path, self.rows, Delivery)


def asset_of(channel: str) -> str:
    """The asset of a channel, whose table the book is."""
    return f"delivery_{channel}"
