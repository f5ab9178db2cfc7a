"""The event loop of this process, in a thread of its own.

Assets that run side by side share it. Their connections, locks and queues can therefore belong to
the process, as asyncio's belong to one loop.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from papers_pipeline.base.loaded_once import loaded_once

Result = TypeVar("Result")

THREADS = 64
"""Threads of `asyncio.to_thread`, in which downloads and file locks wait. asyncio's own default is
six on two processors, and waiting downloads of one asset would hold up another."""

_running: dict[Future[Any], asyncio.Task[Any]] = {}
"""The work under way, by what its thread waits for. Only the loop's thread touches it."""


class Cancelled(BaseException):
    """The work was cancelled: its run was terminated. No handler of `Exception` may swallow it."""


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run the coroutine on the process's loop and wait for its result in this thread.

    Raises what it raises, or Cancelled after `cancel_all`, once the work has cleaned up.
    """
    ended: Future[Result] = Future()
    _loop().call_soon_threadsafe(_start, work, ended)
    try:
        return ended.result()
    except BaseException:
        # This thread may have been interrupted, and then nobody waits for the work any more.
        _loop().call_soon_threadsafe(_cancel, ended)
        raise


def cancel_all() -> None:
    """Cancel the work of all threads that wait in `run`."""
    _loop().call_soon_threadsafe(_cancel_running)


def _start(work: Coroutine[Any, Any, Any], ended: Future[Any]) -> None:
    task = _loop().create_task(work)
    _running[ended] = task
    task.add_done_callback(partial(_end, ended))


def _end(ended: Future[Any], task: asyncio.Task[Any]) -> None:
    del _running[ended]
    if task.cancelled():
        ended.set_exception(Cancelled())
        return
    error = task.exception()
    if error is None:
        ended.set_result(task.result())
    else:
        ended.set_exception(error)


def _cancel(ended: Future[Any]) -> None:
    if ended in _running:
        _running[ended].cancel()


def _cancel_running() -> None:
    for ended in _running:
        _cancel(ended)


@loaded_once
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="to-thread"))
    threading.Thread(target=loop.run_forever, name="event-loop", daemon=True).start()
    return loop


def _forget() -> None:
    """A fork has none of its parent's threads, so it starts a loop of its own."""
    _loop.forget()
    _running.clear()


os.register_at_fork(after_in_child=_forget)
