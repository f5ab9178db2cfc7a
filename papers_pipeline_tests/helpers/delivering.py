"""A day delivered over one channel to the sandbox, with what the sandbox received."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from upath import UPath

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.delivery.book import Book
from papers_pipeline.delivery.channel import Channel
from papers_pipeline.delivery.courier import Courier, Policy, Report
from papers_pipeline.records import DailyIssue, Delivery
from papers_pipeline.sandbox.world import World
from papers_pipeline.store.lake import Lake
from papers_pipeline_tests.helpers.pages import DAY, LOCALES

SITE = "https://papers.example.org"
MORNING_AFTER = datetime(2025, 2, 7, 5, tzinfo=UTC)


@dataclass
class Desk:
    """Delivers days of a test, whose tables are below a folder."""

    folder: Path
    channel: Channel
    world: World
    policy: Policy = field(default_factory=Policy)
    clock: FixedClock = field(default_factory=lambda: FixedClock(MORNING_AFTER))

    @property
    def lake(self) -> Lake:
        return Lake(UPath(self.folder / "lake"))

    def deliver(self, issue: DailyIssue, **options: Any) -> Report:
        courier = Courier(LOCALES, SITE, self.policy, self.lake, self.clock, lambda: None)
        report, rows = courier.deliver(self.channel, issue, **options)
        assert rows == self.rows
        return report

    @property
    def rows(self) -> list[Delivery]:
        return Book(self.lake, self.channel.name, DAY, lambda: None).rows

    @property
    def posts(self) -> list[str]:
        """The present texts of the posts that were not deleted."""
        return [post.text for post in self.world.posts if not post.is_deleted]

    @property
    def letters(self) -> list[EmailMessage]:
        """The letters in the order in which they came."""
        letters = []
        for letter in self.world.letters:
            message = message_from_bytes(letter.content, policy=default)
            assert isinstance(message, EmailMessage)
            letters.append(message)
        return letters


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""
