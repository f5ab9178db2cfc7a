"""A bad paper never fails a day: every paper gets a value or a reason why there is none."""

import asyncio

import pytest

from papers_pipeline.base.per_paper import NullProgress, PaperFailed, PaperPending, per_paper

IDS = [f"2603.1000{n}" for n in range(6)]


def run(work, ids=IDS, concurrency=4, progress=None):
    return asyncio.run(
        per_paper("stage", ids, work, concurrency=concurrency, progress=progress or NullProgress())
    )


async def mixed(arxiv_id: str):
    match IDS.index(arxiv_id):
        case 0:
            return "new", False
        case 1:
            return "old", True
        case 2:
            raise PaperPending("budget")
        case 3:
            raise PaperFailed("not_found", retryable=False, attempts=2)
        case 4:
            raise KeyError("surprise")
        case _:
            await asyncio.sleep(0.01)
            return "late", False


def test_every_paper_is_counted_and_has_an_outcome_in_the_given_order():
    outcomes, counts = run(mixed)
    assert [(o.arxiv_id, o.state, o.value, o.reason) for o in outcomes] == [
        (IDS[0], "done", "new", None),
        (IDS[1], "done", "old", None),
        (IDS[2], "pending", None, "budget"),
        (IDS[3], "failed", None, "not_found"),
        (IDS[4], "failed", None, "error"),
        (IDS[5], "done", "late", None),
    ]
    assert (counts.papers, counts.reused, counts.computed) == (6, 1, 2)
    assert (counts.failed, counts.pending) == (2, 1)
    assert (outcomes[3].retryable, outcomes[3].attempts, outcomes[4].retryable) == (False, 2, True)


def test_concurrency_is_limited():
    running, most = 0, 0

    async def work(arxiv_id: str):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return arxiv_id, False

    run(work, ids=[str(n) for n in range(20)], concurrency=3)
    assert most == 3


def test_progress_is_reported_for_every_paper():
    class Recorder(NullProgress):
        def __init__(self):
            self.begun, self.ended = [], []

        def begin(self, stage, total):
            self.begun.append((stage, total))

        def done(self, outcome):
            self.ended.append(outcome.arxiv_id)

    recorder = Recorder()
    run(mixed, progress=recorder)
    assert recorder.begun == [("stage", 6)]
    assert sorted(recorder.ended) == IDS


def test_a_day_without_papers_is_not_an_error():
    outcomes, counts = run(mixed, ids=[])
    assert (outcomes, counts.papers) == ([], 0)


def test_cancelling_a_run_is_not_a_failure_of_its_papers():
    async def work(arxiv_id: str):
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(work)
