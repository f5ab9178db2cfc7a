"""However many threads ask, a thing is loaded once."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from py3langid import modelio

from papers_pipeline.base.loaded_once import loaded_once, preload
from papers_pipeline.text import languages

THREADS = 32


def ask_at_once(ask: Callable[[], object]) -> list[object]:
    """The answers of many threads that ask at the same time."""
    together = threading.Barrier(THREADS)

    def one(_: int) -> object:
        together.wait()
        return ask()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(one, range(THREADS)))


def test_many_threads_load_once():
    loads = []

    @loaded_once
    def dictionary() -> dict[str, str]:
        loads.append(threading.get_ident())
        time.sleep(0.05)  # so that the others arrive meanwhile
        return {}

    first, *others = ask_at_once(dictionary)
    assert len(loads) == 1
    assert all(other is first for other in others)


def test_a_load_that_fails_is_tried_again():
    loads = []

    @loaded_once
    def dictionary() -> str:
        loads.append(1)
        if len(loads) == 1:
            raise OSError("the file is not there yet")
        return "words"

    with pytest.raises(OSError, match="not there yet"):
        dictionary()
    assert dictionary() == dictionary() == "words"
    assert len(loads) == 2


def test_a_thread_loads_ahead_and_an_error_waits_for_who_needs_the_value():
    loads = []

    @loaded_once
    def broken() -> None:
        raise OSError("no such font")

    @loaded_once
    def fine() -> str:
        loads.append(threading.get_ident())
        return "font"

    preload(broken, fine).join(60)
    assert fine() == "font"
    assert loads
    assert loads != [threading.get_ident()]
    with pytest.raises(OSError, match="no such font"):
        broken()


def test_many_threads_load_the_language_model_once(monkeypatch: pytest.MonkeyPatch):
    loads = []
    load = modelio.load_model

    def counted(path: Path) -> object:
        loads.append(threading.get_ident())
        return load(path)

    monkeypatch.setattr(modelio, "load_model", counted)
    languages.load_detector.forget()
    text = "Whistling kettles warn too late."
    assert set(ask_at_once(lambda: languages.detected_language(text))) == {"en"}
    assert len(loads) == 1
