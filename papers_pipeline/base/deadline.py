"""Ends an exchange over a socket that takes too long as a whole.

Timeouts of sockets count from the last byte: a peer that drips holds its reader for ever.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def deadline(seconds: float, end: Callable[[], object]) -> Iterator[None]:
    """Call `end`, in a thread of its own, if what is done takes longer."""
    timer = started(seconds, end)
    try:
        yield
    finally:
        timer.cancel()


def started(seconds: float, end: Callable[[], object]) -> threading.Timer:
    """A running timer that calls `end`, and that does not keep the process alive."""
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


def shut_down(used: socket.socket) -> None:
    """Wake up whoever waits for bytes of this socket, as if the peer had hung up."""
    with suppress(OSError):  # it may be closed already
        # That of an SSLSocket would make it pass on what is still encrypted.
        socket.socket.shutdown(used, socket.SHUT_RDWR)
