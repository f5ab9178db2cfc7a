"""The event loop of this process, in a thread of its own.

Assets that run side by side share it. Their connections, locks and queues can therefore belong to
the process, as asyncio's belong to one loop.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")

THREADS = 64
"""Threads of `asyncio.to_thread`, in which downloads and file locks wait. asyncio's own default is
six on two processors, and waiting downloads of one asset would hold up another."""

_running: set[Future[Any]] = set()
_lock = threading.Lock()


class Cancelled(BaseException):
    """The work was cancelled: its run was terminated. No handler of `Exception` may swallow it."""


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run the coroutine on the process's loop and wait for its result in this thread.

    Raises what it raises, or Cancelled after `cancel_all`.
    """
    with _lock:
        # Under the lock, so that `cancel_all` misses no work that has begun.
        future = asyncio.run_coroutine_threadsafe(work, _loop())
        _running.add(future)
    try:
        return future.result()
    except CancelledError:
        raise Cancelled from None
    except BaseException:
        future.cancel()
        raise
    finally:
        _running.discard(future)


def cancel_all() -> None:
    """Cancel the work of all threads that wait in `run`."""
    with _lock:
        running = tuple(_running)
    for future in running:
        future.cancel()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="to-thread"))
    threading.Thread(target=loop.run_forever, name="event-loop", daemon=True).start()
    return loop
