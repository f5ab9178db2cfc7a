"""Texts are bought by batch at half the price, each once, over HTTP and the official SDKs."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from papers_pipeline.base import model_providers
from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.per_paper import NullProgress
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.enrichment.by_batch import Submission, submit
from papers_pipeline.enrichment.enrich import enrich
from papers_pipeline.enrichment.plan import Planner
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.llm import batch_store
from papers_pipeline.llm.batch_store import BatchJob
from papers_pipeline.llm.batches import Busy, NoSuchBatch, Problem
from papers_pipeline.llm.models import Models
from papers_pipeline.llm.prices import CallTokens, price
from papers_pipeline.llm.providers import Access
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.records import Paper
from papers_pipeline.sandbox.providers import base_path
from papers_pipeline.sandbox.world import Fault, Reply
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake, encode
from papers_pipeline.store.ledger import FileLedger, Spending
from papers_pipeline.store.purchases import Purchases
from papers_pipeline_tests.conftest import LONG_AGO, Outside

DAY = "2026-03-02"
ENGLISH, RUSSIAN, TAGS = "summaries_en", "summaries_ru", "topic_tags"
"""OpenAI is asked first for English, Anthropic for Russian."""
PAPERS = tuple(
    Paper(
        arxiv_id=f"2603.{number}",
        title=f"Kettle {number}",
        abstract=f"Kettle number {number} whistles late, and a regressor predicts its boiling.",
        authors=[],
        first_seen_at=LONG_AGO,
    )
    for number in range(10001, 10005)
)


class Shop:
    """Buys from the sandbox, live and by batch, as processes that share a folder."""

    def __init__(self, outside: Outside, folder: Path, papers: Sequence[Paper] = PAPERS) -> None:
        self.papers = papers
        self.outside, self.folder, self.clock = outside, folder, FixedClock(LONG_AGO)
        self.coordination = FileCoordination(folder / "home", folder / "ledger")
        self.stages = load_stages(load_prompts())
        self.lake = Lake(UPath(folder) / "lake")
        storage.write(self.lake.path("feed_listing", DAY), encode(papers, Paper))
        self.restart()

    def restart(self, **settings: Any) -> Models:
        """A new process."""
        access = {name: Access() for name in model_providers.PROVIDERS}
        for name in ("openai", "mistral", "anthropic"):
            url = self.outside.url + base_path(model_providers.PROVIDERS[name])
            access[name] = Access("a-key-of-the-test", url)
        self.models = Models(
            access,
            data=UPath(self.folder),
            coordination=self.coordination,
            purchases=Purchases(UPath(self.folder) / "purchases", self.coordination, self.clock),
            clock=self.clock,
            concurrency=8,
            requests_per_minute=1000,
            timeout_seconds=20,
            backoff_seconds=0.01,
            **settings,
        )
        return self.models

    def later(self, **much: float) -> None:
        """Let time pass, here and outside."""
        self.clock.moment += timedelta(**much)
        self.outside.world.now = self.clock.moment

    def submit(self, *assets: str) -> Submission:
        available = {
            name: self.models.configured(stage.prompt) for name, stage in self.stages.items()
        }
        planner = Planner(
            self.lake,
            self.models.purchases,
            self.models.ledger,
            self.stages,
            available,
            self.models.batches.store,
        )
        wanted = {asset: [DAY] for asset in assets or (ENGLISH, RUSSIAN)}
        return submit(
            wanted, stages=self.stages, lake=self.lake, models=self.models, planner=planner
        )

    def settle(self) -> list[Problem]:
        with self.models.batches.held():
            return asyncio.run(self.models.batches.settle())

    def buy(self, asset: str, papers: Sequence[Paper] | None = None) -> list[Any]:
        """The rows of a build."""
        enriched = enrich(
            self.stages[asset],
            self.papers if papers is None else papers,
            models=self.models,
            day=DAY,
            concurrency=4,
            progress=NullProgress(),
        )
        rows, _, self.spent = asyncio.run(enriched)
        return rows

    def jobs(self) -> list[BatchJob]:
        return self.models.batches.store.jobs()

    def spendings(self) -> list[Spending]:
        ledger = FileLedger(self.folder / "ledger")
        return [spending for day in ledger.days() for spending in ledger.spent(day)]

    def calls(self) -> int:
        return len(self.outside.world.calls)


@pytest.fixture
def shop(outside: Outside, tmp_path: Path) -> Shop:
    return Shop(outside, tmp_path / "data")


def states(rows: Sequence[Any]) -> Counter[tuple[str, str | None]]:
    return Counter((row.state, row.reason) for row in rows)


@pytest.mark.parametrize("asset", [ENGLISH, RUSSIAN])
def test_texts_are_bought_by_batch_without_a_call_at_half_the_price(shop: Shop, asset: str):
    shop.outside.world.batch_seconds = 3600
    live = shop.buy(asset, PAPERS[:1])
    shop.outside.world.calls.clear()
    (job,) = shop.submit(asset).jobs
    assert (job.state, job.requests, job.days) == ("open", 3, (DAY,))
    assert states(shop.buy(asset)) == {("done", None): 1, ("pending", "in_batch"): 3}
    shop.later(hours=2)
    assert shop.settle() == []
    rows = shop.buy(asset)
    assert states(rows) == {("done", None): 4}
    assert rows[0] == live[0]
    assert shop.calls() == 0
    assert len(shop.outside.world.batches) == 1
    _, *by_batch = shop.spendings()
    assert [(line.asset, line.day, line.batch) for line in by_batch] == [(asset, DAY, job.id)] * 3
    for line in by_batch:
        tokens = CallTokens(line.input_tokens, line.output_tokens)
        full_usd = price(f"{line.provider}:{line.model}", tokens)
        assert line.usd == pytest.approx(full_usd / 2)
    (collected,) = shop.jobs()
    assert collected.results == {"succeeded": 3}
    assert collected.usd == pytest.approx(sum(line.usd for line in by_batch))
    assert shop.spent.calls == 3
    assert shop.spent.usd == pytest.approx(collected.usd)
    assert list((shop.folder / "batches" / "texts").rglob("*.json")) == []


def test_a_request_in_a_batch_says_what_a_live_one_would(shop: Shop):
    shop.submit()
    requests = {}
    for batch in shop.outside.world.batches:
        (requests[batch.provider],) = (
            body for body in batch.requests.values() if "Kettle 10001" in str(body)
        )
    paper = PAPERS[0]
    english = shop.stages[ENGLISH].prompt.messages(title=paper.title, abstract=paper.abstract)
    body = requests["openai"]
    assert body["model"] == "gpt-6-luna"
    assert body["instructions"] == english.system
    assert body["input"] == [{"role": "user", "content": english.user}]
    assert body["max_output_tokens"] == shop.stages[ENGLISH].prompt.max_tokens
    assert body["reasoning"]["effort"] == "none"
    assert body["text"]["format"]["strict"] is True
    russian = shop.stages[RUSSIAN].prompt.messages(title=paper.title, abstract=paper.abstract)
    body = requests["anthropic"]
    assert body["model"] == "claude-sonnet-5-5"
    assert [part["text"] for part in body["system"]] == [russian.system]
    (message,) = body["messages"]
    assert [part["text"] for part in message["content"]] == [russian.user]
    assert body["max_tokens"] == shop.stages[RUSSIAN].prompt.max_tokens
    assert set(body["output_config"]["format"]["schema"]["properties"]) == {
        *("title", "text", "emoji"),
    }


def test_the_custom_id_is_the_key_of_the_purchase(shop: Shop):
    shop.submit(ENGLISH)
    (batch,) = shop.outside.world.batches
    shop.settle()
    shop.buy(ENGLISH)
    bought = {path.stem for path in (shop.folder / "purchases" / ENGLISH).rglob("*.json")}
    assert set(batch.requests) == bought
    assert {len(key) for key in bought} == {64}


def test_a_faulty_answer_is_corrected_live_and_the_good_ones_are_kept(shop: Shop):
    bad = {"title": "Чайник", "text": "Это по-русски. Здесь нет английского."}
    shop.outside.world.replies.append(Reply(content=bad, title="Kettle 10002"))
    (job,) = shop.submit(ENGLISH).jobs
    shop.settle()
    assert states(shop.buy(ENGLISH)) == {("done", None): 4}
    assert [call.title for call in shop.outside.world.calls] == ["Kettle 10002"]
    paid = Counter((line.arxiv_id, line.batch) for line in shop.spendings())
    assert paid == {(paper.arxiv_id, job.id): 1 for paper in PAPERS} | {("2603.10002", None): 1}
    assert shop.spent.calls == 5
    assert shop.spent.usd == pytest.approx(sum(line.usd for line in shop.spendings()))


GOOD = {
    "title": "Kettles warn early",
    "text": "Kettles whistle late. A regressor predicts boiling. It listens. It is right.",
}


STYLE = GOOD | {"title": "Kettles " + "warn their owners " * 6 + "early"}
NUMBER = GOOD | {"text": GOOD["text"].replace("right", "97% right")}


@pytest.mark.parametrize("asset", [ENGLISH, RUSSIAN])
def test_a_lone_surrogate_costs_one_character_and_not_the_batch(shop: Shop, asset: str):
    """A server may write one, as an escape of JSON. The parsers of the SDKs refuse it."""
    good = shop.buy(asset, PAPERS[:1])[0]
    answer = {"title": good.title + "\ud800", "text": good.text, "emoji": good.emoji}
    raw = json.dumps(answer, ensure_ascii=False)
    shop.outside.world.replies.append(Reply(content=raw, title="Kettle 10002"))
    shop.outside.world.calls.clear()
    shop.submit(asset)
    assert shop.settle() == []
    rows = shop.buy(asset)
    assert states(rows) == {("done", None): 4}
    assert (rows[1].title, rows[1].text) == (good.title, good.text)
    assert shop.calls() == 0


@pytest.mark.parametrize(
    ("answer", "live_calls"), [(STYLE, 1), (NUMBER, 2)], ids=["style", "unverified"]
)
def test_an_answer_of_a_batch_that_stays_faulty_is_published_as_a_live_one(
    shop: Shop, answer: dict[str, str], live_calls: int
):
    shop.papers = PAPERS[:1]
    shop.outside.world.replies.append(Reply(content=answer, title="Kettle 10001", times=99))
    shop.submit(ENGLISH)
    shop.settle()
    (row,) = shop.buy(ENGLISH)
    assert (row.state, row.title, row.text) == ("done", answer["title"], answer["text"])
    assert shop.calls() == live_calls
    assert row.unverified == (["97%"] if answer is NUMBER else [])
    assert len(row.style_notes) == (answer is STYLE)


def test_an_answer_of_a_batch_is_not_lost_to_a_worse_correction(shop: Shop):
    shop.papers = PAPERS[:1]
    shop.outside.world.replies.append(Reply(content=NUMBER, title="Kettle 10001", times=1))
    shop.submit(ENGLISH)
    shop.settle()
    worse = Reply(content=GOOD | {"title": "**Kettles**"}, title="Kettle 10001", times=99)
    shop.outside.world.replies.append(worse)
    (row,) = shop.buy(ENGLISH)
    assert (row.text, row.unverified) == (NUMBER["text"], ["97%"])
    assert shop.calls() == 2


def test_a_refusal_and_half_an_answer_in_a_batch_go_to_the_next_model_live(shop: Shop):
    shop.outside.world.replies += [
        Reply("refusal", title="Kettle 10001"),
        Reply("truncated", title="Kettle 10002"),
    ]
    shop.submit()
    shop.settle()
    for asset, following in ((ENGLISH, "anthropic"), (RUSSIAN, "openai")):
        shop.outside.world.calls.clear()
        assert states(shop.buy(asset)) == {("done", None): 4}
        assert {call.provider for call in shop.outside.world.calls} <= {following}


def test_texts_of_a_model_without_batches_are_left_to_live_calls(shop: Shop):
    shop.stages = load_stages(load_prompts(model="mistral:mistral-small-latest"))
    submission = shop.submit(TAGS)
    assert submission.jobs == []
    assert +submission.live == {"mistral:mistral-small-latest": 4}
    assert states(shop.buy(TAGS)) == {("done", None): 4}


@pytest.mark.parametrize("asset", [ENGLISH, RUSSIAN])
@pytest.mark.parametrize("kind", ["expired", "errored"])
def test_what_a_batch_did_not_answer_is_bought_again_and_the_rest_is_not(
    shop: Shop, asset: str, kind: str
):
    shop.outside.world.replies += [Reply(kind, title=f"Kettle 1000{n}") for n in (1, 2)]
    shop.submit(asset)
    shop.settle()
    (job,) = shop.jobs()
    assert job.results == {"succeeded": 2, kind: 2}
    (again,) = shop.submit(asset).jobs
    assert again.requests == 2
    shop.settle()
    assert states(shop.buy(asset)) == {("done", None): 4}
    assert shop.calls() == 0
    assert len(shop.spendings()) == 4


def test_an_expired_batch_leaves_its_texts_to_a_live_build(shop: Shop):
    shop.outside.world.replies.append(Reply("expired", times=4))
    shop.submit(ENGLISH)
    shop.settle()
    assert shop.spendings() == []
    assert states(shop.buy(ENGLISH)) == {("done", None): 4}
    assert shop.calls() == 4


def test_a_batch_that_openai_rejects_after_its_creation_costs_nothing_and_says_why(shop: Shop):
    shop.outside.world.replies.append(Reply("invalid"))
    shop.submit(ENGLISH)
    shop.settle()
    (job,) = shop.jobs()
    assert (job.state, job.usd) == ("collected", None)
    assert job.detail == "Enqueued token limit reached"
    assert shop.spendings() == []
    assert shop.submit(ENGLISH).jobs[0].requests == 4


# Creation

CREATE = {ENGLISH: "/openai/v1/batches", RUSSIAN: "/anthropic/v1/messages/batches"}


@pytest.mark.parametrize("asset", [ENGLISH, RUSSIAN])
def test_a_refused_job_is_told_and_its_texts_are_free(shop: Shop, asset: str):
    shop.outside.world.faults.append(Fault(CREATE[asset], status=429))
    (job,) = shop.submit(asset).jobs
    assert job.state == "refused"
    assert "rate limit" in job.detail.lower()
    assert states(shop.buy(asset)) == {("done", None): 4}


@pytest.mark.parametrize("asset", [ENGLISH, RUSSIAN])
def test_a_job_whose_creation_broke_off_is_found_in_the_providers_list(shop: Shop, asset: str):
    shop.outside.world.batch_seconds = 3600
    shop.outside.world.faults.append(Fault(CREATE[asset], cut_after=0))
    (job,) = shop.submit(asset).jobs
    assert (job.state, job.handle) == ("submitting", None)
    assert len(shop.outside.world.batches) == 1
    assert states(shop.buy(asset)) == {("pending", "in_batch"): 4}
    assert shop.submit(asset).jobs == []
    shop.later(hours=2)
    shop.settle()
    (job,) = shop.jobs()
    assert (job.state, job.results) == ("collected", {"succeeded": 4})
    assert states(shop.buy(asset)) == {("done", None): 4}
    assert (shop.calls(), len(shop.spendings())) == (0, 4)


@pytest.mark.parametrize("asset", [ENGLISH, RUSSIAN])
def test_a_job_that_was_never_created_is_given_up_only_when_it_would_be_listed(
    shop: Shop, asset: str
):
    shop.outside.world.faults.append(Fault(CREATE[asset], status=500))
    shop.submit(asset)
    shop.later(minutes=9)
    shop.settle()
    assert shop.jobs()[0].state == "submitting"
    assert states(shop.buy(asset)) == {("pending", "in_batch"): 4}
    shop.later(minutes=2)
    shop.settle()
    assert shop.jobs()[0].state == "refused"
    assert states(shop.buy(asset)) == {("done", None): 4}
    assert shop.outside.world.batches == []


def test_another_batch_of_the_workspace_is_told_apart_when_it_has_ended(
    shop: Shop, outside: Outside, tmp_path: Path
):
    """Anthropic's list shows no custom ids, so a batch of the same size may be ours until then."""
    colleague = Shop(outside, tmp_path / "of-a-colleague")
    outside.world.batch_seconds = 3600
    outside.world.faults.append(Fault(CREATE[RUSSIAN], status=500))
    shop.submit(RUSSIAN)
    shop.outside.world.faults.clear()
    colleague.submit(RUSSIAN)
    (theirs,) = outside.world.batches
    theirs.requests = {f"their-{key}": body for key, body in theirs.requests.items()}
    theirs.kinds = {f"their-{key}": kind for key, kind in theirs.kinds.items()}
    theirs.answers = {f"their-{key}": answer for key, answer in theirs.answers.items()}
    shop.later(minutes=30)
    shop.settle()
    assert shop.jobs()[0].state == "submitting"
    shop.later(hours=1)
    shop.settle()
    assert shop.jobs()[0].state == "refused"
    assert states(shop.buy(RUSSIAN)) == {("done", None): 4}


def test_a_provider_that_cannot_be_reached_leaves_its_texts_pending(shop: Shop):
    shop.submit()
    shop.outside.world.faults.append(Fault("/openai/v1/batches/", status=503))
    (problem,) = shop.settle()
    assert problem.job.model == "openai:gpt-6-luna"
    assert states(shop.buy(ENGLISH)) == {("pending", "in_batch"): 4}
    assert states(shop.buy(RUSSIAN)) == {("done", None): 4}
    assert shop.calls() == 0


def test_a_forgotten_batch_frees_its_texts(shop: Shop):
    shop.outside.world.batch_seconds = 3600
    (job,) = shop.submit(ENGLISH).jobs
    with shop.models.batches.held():
        assert shop.models.batches.forget(job.id).state == "forgotten"
        with pytest.raises(NoSuchBatch):
            shop.models.batches.forget(job.id)
    assert states(shop.buy(ENGLISH)) == {("done", None): 4}
    assert shop.calls() == 4


def test_ended_batches_are_deleted_when_their_answers_were_used(shop: Shop):
    shop.submit()
    shop.settle()
    shop.buy(ENGLISH)
    store = shop.models.batches.store
    assert store.prune(shop.clock.now()) == 0
    assert store.prune(shop.clock.now() + timedelta(seconds=1)) == 1
    (left,) = shop.jobs()
    assert left.model == "anthropic:claude-sonnet-5-5"


# Damage


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    return data.replace(b"gpt-6", b"gpt-7").replace(b"claude", b"clauda").replace(b"26", b"27")


def damage(shop: Shop, name: str, how: Callable[[bytes], bytes]) -> None:
    """Damage a file of every batch, text or list."""
    paths = list((shop.folder / "batches" / name).rglob("*.json"))
    assert paths
    for path in paths:
        path.write_bytes(how(path.read_bytes()))


DAMAGED = [("jobs",), ("requests",), ("texts",), ("jobs", "requests")]


@pytest.mark.parametrize("asset", [ENGLISH, RUSSIAN])
@pytest.mark.parametrize("has_ended", [False, True], ids=["open", "ended"])
@pytest.mark.parametrize("how", [cut, flipped])
@pytest.mark.parametrize("names", DAMAGED, ids=["job", "list", "texts", "job and list"])
def test_a_damaged_batch_is_recovered_and_bought_once(
    shop: Shop, caplog, asset: str, has_ended: bool, how: Any, names: tuple[str, ...]
):
    shop.outside.world.batch_seconds = 3600
    shop.submit(asset)
    if has_ended:
        shop.later(hours=2)
    for name in names:
        damage(shop, name, how)
    shop.restart()
    assert states(shop.buy(asset)) == {("pending", "in_batch"): 4}
    assert shop.submit(asset).jobs == []
    shop.settle()
    shop.later(hours=2)
    shop.settle()
    assert states(shop.buy(asset)) == {("done", None): 4}
    (batch,) = shop.outside.world.batches
    assert (len(batch.requests), shop.calls()) == (4, 0)
    lines = shop.spendings()
    assert Counter((line.asset, line.arxiv_id) for line in lines) == {
        (asset, paper.arxiv_id): 1 for paper in PAPERS
    }
    told = [record.getMessage() for record in caplog.records if "is damaged" in record.message]
    assert len(told) == len(set(told)) == (4 if names == ("texts",) else len(names))
    assert list((shop.folder / "batches" / "texts").rglob("*.json*")) == []


@pytest.mark.parametrize("asset", [ENGLISH, RUSSIAN])
def test_an_answer_that_is_damaged_before_it_is_used_is_fetched_again(shop: Shop, asset: str):
    shop.submit(asset)
    shop.settle()
    shop.buy(asset, PAPERS[:1])
    damage(shop, "texts", cut)
    shop.restart()
    assert states(shop.buy(asset)) == {("done", None): 1, ("pending", "in_batch"): 3}
    assert shop.models.batches.has_work()
    assert shop.settle() == []
    assert states(shop.buy(asset)) == {("done", None): 4}
    assert not shop.models.batches.has_work()
    assert (shop.calls(), len(shop.spendings())) == (0, 4)
    assert len(shop.outside.world.batches) == 1


@pytest.mark.parametrize("asset", [ENGLISH, RUSSIAN])
def test_a_collected_batch_whose_file_is_damaged_keeps_its_answers(shop: Shop, asset: str):
    shop.submit(asset)
    shop.settle()
    damage(shop, "jobs", cut)
    shop.restart()
    shop.settle()
    assert states(shop.buy(asset)) == {("done", None): 4}
    assert (shop.calls(), len(shop.spendings())) == (0, 4)


def test_a_damaged_batch_that_the_provider_does_not_list_frees_its_texts(shop: Shop):
    shop.submit(ENGLISH)
    shop.outside.world.batches.clear()
    damage(shop, "jobs", cut)
    (job,) = shop.jobs()
    shop.clock.moment = job.created_at + timedelta(minutes=9)
    shop.settle()
    assert states(shop.buy(ENGLISH)) == {("pending", "in_batch"): 4}
    shop.later(minutes=2)
    shop.settle()
    assert shop.jobs()[0].state == "refused"
    assert states(shop.buy(ENGLISH)) == {("done", None): 4}


def test_a_batch_of_an_earlier_release_is_collected(shop: Shop):
    shop.outside.world.batch_seconds = 3600
    shop.submit(ENGLISH)
    for path in (shop.folder / "batches").rglob("*.json"):
        stored = json.loads(path.read_bytes())
        for name in ("sha256", "text", "is_recovered"):
            stored.pop(name, None)
        stored = stored.get("texts", stored | {"format": 1})
        path.write_text(json.dumps(stored))
    shop.restart()
    assert states(shop.buy(ENGLISH)) == {("pending", "in_batch"): 4}
    shop.later(hours=2)
    assert shop.settle() == []
    assert states(shop.buy(ENGLISH)) == {("done", None): 4}
    assert (shop.calls(), len(shop.spendings())) == (0, 4)


# Several processes


def test_two_processes_at_once_submit_each_text_once(shop: Shop):
    other = Shop(shop.outside, shop.folder)
    with ThreadPoolExecutor() as threads:
        submissions = list(threads.map(lambda each: each.submit(), (shop, other)))
    jobs = [job for submission in submissions for job in submission.jobs]
    assert sorted(job.requests for job in jobs) == [4, 4]
    asked = Counter(key for batch in shop.outside.world.batches for key in batch.requests)
    assert (len(asked), set(asked.values())) == (8, {1})


def test_a_process_that_will_not_wait_is_told_that_another_is_at_work(shop: Shop):
    other = Shop(shop.outside, shop.folder)
    with (
        shop.models.batches.held(),
        pytest.raises(Busy),
        other.models.batches.held(wait=False),
    ):
        pass


def test_a_text_that_is_bought_live_meanwhile_is_left_out_of_the_batch(shop: Shop):
    prepared_by = shop.models.batches.submit

    async def late(prepared: Any) -> list[BatchJob]:
        await asyncio.to_thread(shop.buy, ENGLISH, PAPERS[:3])
        return await prepared_by(prepared)

    shop.models.batches.submit = late
    (job,) = shop.submit(ENGLISH).jobs
    assert job.requests == 1
    assert shop.calls() == 3


# Money


def test_a_budget_limits_what_is_submitted_and_open_batches_count(shop: Shop):
    shop.submit(ENGLISH)
    estimated = shop.jobs()[0].estimated_usd
    fresh = Shop(shop.outside, shop.folder.with_name("with-a-budget"))
    fresh.restart(daily_budget_usd=estimated * 0.6)
    submission = fresh.submit(ENGLISH)
    assert ([job.requests for job in submission.jobs], submission.over_budget) == ([2], 2)
    assert fresh.submit(ENGLISH).jobs == []
    fresh.later(days=1)
    assert [job.requests for job in fresh.submit(ENGLISH).jobs] == [2]


# Death


class Killed(BaseException):
    """The process dies."""


class Deaths:
    """Kills the process at the `left`-th of its coming writes; at none if that is None."""

    def __init__(self, after_the_write: bool) -> None:
        self.after_the_write = after_the_write
        self.left: int | None = None

    def at(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, at which the process may die."""

        def deadly(*arguments: Any, **options: Any) -> Any:
            is_last = self.left == 1
            if self.left is not None:
                self.left = None if is_last else self.left - 1
            if is_last and not self.after_the_write:
                raise Killed
            result = write(*arguments, **options)
            if is_last:
                raise Killed
            return result

        return deadly


@pytest.mark.slow
@pytest.mark.parametrize("asset", [ENGLISH, RUSSIAN])
@pytest.mark.parametrize("after_the_write", [False, True], ids=["before", "after"])
def test_a_process_killed_at_any_write_buys_nothing_twice_and_loses_nothing(
    outside: Outside, tmp_path: Path, monkeypatch, asset: str, after_the_write: bool
):
    """Every write of submission, collection and use in turn is the last of its process."""
    deaths = Deaths(after_the_write)
    monkeypatch.setattr(batch_store.storage, "write", deaths.at(storage.write))
    monkeypatch.setattr(FileLedger, "add", deaths.at(FileLedger.add))
    died_in = Counter()
    for fatal in count(1):
        outside.world.batches.clear()
        outside.world.calls.clear()
        outside.world.now = LONG_AGO
        outside.world.batch_seconds = 3600
        shop = Shop(outside, tmp_path / str(fatal), PAPERS[:2])
        deaths.left = fatal
        steps = (partial(shop.submit, asset), shop.settle, partial(shop.buy, asset))
        for name, step in zip(("submit", "settle", "buy"), steps, strict=True):
            try:
                step()
            except Killed:
                died_in[name] += 1
            shop.restart()
            shop.later(hours=2)
        has_died, deaths.left = deaths.left is None, None
        shop.settle()
        shop.submit(asset)
        shop.later(hours=2)
        shop.settle()
        assert states(shop.buy(asset)) == {("done", None): 2}, fatal
        asked = Counter(key for batch in outside.world.batches for key in batch.requests)
        assert asked.total() + len(outside.world.calls) == 2, fatal
        assert Counter(line.arxiv_id for line in shop.spendings()) == {
            paper.arxiv_id: 1 for paper in shop.papers
        }, fatal
        if not has_died:
            break
    # Submission: list, job, a text each, list, submitting, open. Collection: ledger, a text each,
    # collected. Use: a purchase each.
    assert died_in == {"submit": 7, "settle": 4, "buy": 2}
