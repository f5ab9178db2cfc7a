"""Sends a message to the services that apprise knows, within a time."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Notified:
    """`unknown` are the places, from 1, of addresses that apprise does not know. `accepted` says
    whether all the others accepted the message."""

    unknown: tuple[int, ...]
    accepted: bool


def notify(urls: Sequence[str], title: str, text: str, most_seconds: float) -> Notified:
    """Send a plain text to addresses of apprise, for at most so many seconds for all together.

    apprise's own limit counts from the last byte.
    """
    import apprise  # a third of a second that only a message needs

    # Its log lines quote addresses, which hold passwords.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    services = apprise.Apprise()
    unknown = [place for place, url in enumerate(urls, 1) if not services.add(url)]
    accepted: list[bool] = []

    def send() -> None:
        accepted.append(bool(services.notify(body=text, title=title)))

    if services:
        sending = threading.Thread(target=send, daemon=True)
        sending.start()
        sending.join(most_seconds)
    return Notified(tuple(unknown), accepted == [True] or not services)
