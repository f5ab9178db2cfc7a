"""The current time. Nothing else in the project reads the system clock."""

from dataclasses import dataclass
from datetime import UTC, date, datetime


class Clock:
    """The system clock. Tests and the demo replace it with a subclass or a `FixedClock`."""

    def now(self) -> datetime:
        """The current time, timezone-aware UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """The current UTC day."""
        return self.now().date()


@dataclass
class FixedClock(Clock):
    """A clock that stands still."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment
