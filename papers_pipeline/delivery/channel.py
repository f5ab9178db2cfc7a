"""What a channel is: it composes messages, and gives them to a service once."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import ClassVar

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.delivery.digest import Digest
from papers_pipeline.store.files import sha256_of

KEY_DIGITS = 12


class NotSent(OperatorError):
    """A message surely did not go out. The next build sends it."""


class Closed(NotSent):
    """Nor will any other message of this connection go out. The next build sends them."""


class InDoubt(OperatorError):
    """Nobody knows whether a message went out."""


@dataclass(frozen=True)
class Message:
    """A message as it goes out. `part` counts the messages of one recipient from 1."""

    language: str
    recipient: str = field(repr=False)
    content: str
    part: int = 1

    @property
    def key(self) -> str:
        """The name of the recipient and the part in stored rows. It does not tell who it is."""
        recipient = sha256_of(f"{self.language} {self.recipient}".encode())
        return f"{recipient[:KEY_DIGITS]}.{self.part}"

    @property
    def sha256(self) -> str:
        """Hash of the content."""
        return sha256_of(self.content.encode())


class Connection(ABC):
    """A connection to the service of a channel."""

    @abstractmethod
    def send(self, message: Message) -> str | None:
        """Send a message; returns the service's name for it, if it has one.

        Raises NotSent, Closed or InDoubt.
        """


class EditingConnection(Connection):
    """A connection over which what was sent can be changed."""

    @abstractmethod
    def edit(self, message: Message, message_id: str) -> None:
        """Replace the content of a sent message. Raises NotSent; trying again does no harm."""

    @abstractmethod
    def delete(self, message: Message, message_id: str) -> None:
        """Delete a sent message. Raises NotSent; trying again does no harm."""


class Channel(ABC):
    """A way to reach readers, in the languages for which it is configured.

    `name` names its asset, `delivery_<name>`. If it `edits`, its connections are editing ones, and
    it may post early, since what it sent follows the day.
    """

    name: ClassVar[str]
    edits: ClassVar[bool] = False
    kind: ClassVar[str]
    """What the Dagster UI shows as the kind of its asset."""

    @property
    @abstractmethod
    def languages(self) -> tuple[str, ...]:
        """The languages for which it is configured."""

    @abstractmethod
    def compose(self, digest: Digest) -> list[Message]:
        """The messages of a day in a language. Raises OperatorError if they cannot be composed."""

    def faults(self, language: str) -> list[str]:
        """What is wrong with its recipients in a language; the others get their messages."""
        return []

    def shown(self, message: Message) -> str:
        """The message as its reader gets it, for the terminal."""
        return message.content

    @abstractmethod
    def connected(self) -> AbstractContextManager[Connection]:
        """A connection, closed at the end."""
