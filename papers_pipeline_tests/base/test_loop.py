"""Work of several threads runs on one event loop, and can be cancelled from outside."""

import asyncio
import multiprocessing
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from papers_pipeline.base import loop


async def current() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_all_threads_share_one_loop():
    with ThreadPoolExecutor(8) as threads:
        loops = set(threads.map(lambda _: loop.run(current()), range(32)))
    assert len(loops) == 1


def test_an_error_reaches_the_thread_that_asked():
    async def fail() -> None:
        raise KeyError("surprise")

    with pytest.raises(KeyError, match="surprise"):
        loop.run(fail())


def test_cancelled_work_stops_and_tells_its_thread():
    started = threading.Event()
    cleaned_up = threading.Event()

    async def wait_for_ever() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.2)
            cleaned_up.set()

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(loop.run, wait_for_ever())
        assert started.wait(60)
        loop.cancel_all()
        with pytest.raises(loop.Cancelled):
            waiting.result(60)
        assert cleaned_up.is_set()


def work_in_a_fork() -> None:
    sys.exit(0 if loop.run(current()) else 1)


def test_a_forked_process_has_a_loop_of_its_own():
    loop.run(current())
    forked = multiprocessing.get_context("fork").Process(target=work_in_a_fork, daemon=True)
    forked.start()
    forked.join(60)
    assert forked.exitcode == 0
