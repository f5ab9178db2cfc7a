"""The one source of the current time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime


class Clock:
    """The one source of the current time. A subclass or ``FixedClock`` stands in for it in tests and the demo."""

    def now(self) -> datetime:
        """The current time, timezone-aware UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """The current UTC day."""
        return self.now().date()


@dataclass
class FixedClock(Clock):
    """A clock that shows what it was set to."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment
