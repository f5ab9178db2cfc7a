"""Requests to a provider go in turn, within its limits, and say what they wait for."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from papers_pipeline.base import notes
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.llm.turns import ProviderPaused, Turns
from papers_pipeline.store.limits import Rate, SharedLimit

REAL_TRY = SharedLimit.try_acquire


def turns(folder: Path, seconds: float, concurrency: int = 300, **rates: Rate) -> Turns:
    """The requests of one process, in a minute that is so many seconds long."""
    return Turns(
        FileCoordination(folder, folder / "ledger"),
        rates,
        concurrency=concurrency,
        requests_of_all=None,
        window_seconds=seconds,
        backoff_seconds=1.0,
    )


def ignore(message: str) -> None:
    pass


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 120))


def test_two_hundred_wait_in_the_order_of_asking_and_do_little_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tries = 0

    def counted(limit: SharedLimit, tokens: int = 0) -> Any:
        nonlocal tries
        tries += 1
        return REAL_TRY(limit, tokens)

    monkeypatch.setattr(SharedLimit, "try_acquire", counted)
    order: list[int] = []

    async def ask() -> None:
        asking = turns(tmp_path, 0.2, openai=Rate(20))

        async def one(number: int) -> None:
            async with asking.turn("openai", 0, ignore):
                order.append(number)

        await asyncio.gather(*map(one, range(200)))

    run(ask())
    assert order == list(range(200))
    # One try a request, and a few for whoever is first in line in each of the ten windows.
    assert tries <= 300


def test_a_full_limit_holds_no_slot(tmp_path: Path):
    answered: list[str] = []

    async def ask() -> None:
        asking = turns(tmp_path, 3600, concurrency=1, openai=Rate(1), anthropic=Rate(5))

        async def one(provider: str) -> None:
            async with asking.turn(provider, 0, ignore):
                answered.append(provider)

        await one("openai")
        waiting = asyncio.create_task(one("openai"))
        for _ in range(5):
            await one("anthropic")
        waiting.cancel()

    run(ask())
    assert answered == ["openai", *["anthropic"] * 5]


def test_a_wait_says_what_it_is_for(tmp_path: Path):
    told: list[str] = []

    async def ask() -> None:
        asking = turns(tmp_path, 3600, openai=Rate(2), qwen=Rate(tokens=30_000))

        async def one(provider: str) -> None:
            async with asking.turn(provider, 20_000, told.append) as turn:
                if provider == "local":
                    await turn.refused(30.0)

        for provider in ("openai", "openai", "qwen", "local"):
            await one(provider)
        assert told == []
        waiting = [asyncio.create_task(one(name)) for name in ("openai", "qwen", "local") * 9]
        while len(told) < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # in which each looks again, and says nothing
        for task in waiting:
            task.cancel()

    run(ask())
    assert sorted(told) == [
        "waiting for local: it answered that there were too many requests (30 s)",
        "waiting for openai: 2 requests a minute are used up (3600 s)",
        "waiting for qwen: 30,000 tokens a minute are used up (3600 s)",
    ]


def test_a_wait_for_a_slot_or_the_first_answer_says_so_once(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(notes, "NOTED_SECONDS", 0.05)
    told: list[str] = []

    async def ask() -> None:
        asking = turns(tmp_path, 3600, concurrency=1)

        async def alone() -> None:
            async with asking.after_first_answer("openai", told.append):
                pass

        async def slot() -> None:
            async with asking.turn("openai", 0, told.append):
                pass

        async with asking.after_first_answer("openai"), asking.turn("openai", 0, ignore):
            waiting = [asyncio.create_task(work()) for work in (alone, slot) * 5]
            while len(told) < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)  # in which nobody else says the same
        await asyncio.gather(*waiting)

    run(ask())
    assert sorted(told) == [
        "waiting for openai: 1 of 1 requests to models are under way",
        "waiting for openai: its first request goes alone",
    ]


def test_a_pause_of_another_process_counts_and_a_very_long_one_is_not_waited_for(tmp_path: Path):
    async def ask() -> None:
        ours, theirs = turns(tmp_path, 61), turns(tmp_path, 61)
        async with theirs.turn("openai", 0, ignore) as turn:
            await turn.refused(1800.0)
        with pytest.raises(ProviderPaused, match="openai asked for a pause of 30 minutes"):
            async with ours.turn("openai", 0, ignore):
                pass

    run(ask())


def test_one_goes_first_and_everyone_after_its_answer(tmp_path: Path):
    under_way: list[int] = []
    answers = asyncio.Event()

    async def ask() -> None:
        asking = turns(tmp_path, 61)
        busy = 0

        async def one(number: int) -> None:
            nonlocal busy
            async with asking.after_first_answer("openai"):
                busy += 1
                under_way.append(busy)
                if len(under_way) == 32:
                    answers.set()
                if number < 3:
                    busy -= 1
                    raise TimeoutError
                if number > 3:
                    await answers.wait()
                asking.has_answered("openai")
                busy -= 1

        failures = await asyncio.gather(*map(one, range(32)), return_exceptions=True)
        assert [number for number, failure in enumerate(failures) if failure] == [0, 1, 2]

    run(ask())
    # Three fail alone, one after another; the fourth is answered, and then all go at once.
    assert under_way == [1, 1, 1, 1, *range(1, 29)]
