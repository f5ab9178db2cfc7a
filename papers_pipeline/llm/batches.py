"""Batches: many first questions bought together at half the price, answered within a day.

A job is written down before the provider is asked for it, and its texts belong to it until it has
ended, so no text is bought twice, whenever a process dies. `Chain` uses an answer in place of its
first request; corrections and further models are asked live.
"""

import logging
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from papers_pipeline.base.characters import excerpt
from papers_pipeline.coordination.interface import Coordination
from papers_pipeline.llm.batch_providers import (
    BATCH_SHARE,
    BatchProvider,
    NotCreated,
    connect_batches,
)
from papers_pipeline.llm.batch_store import BatchJob, BatchStore, BatchText, JobState, KeptText
from papers_pipeline.llm.prices import CallTokens, price
from papers_pipeline.llm.providers import Access
from papers_pipeline.prompts.model_names import split_name
from papers_pipeline.store.ledger import Spending
from papers_pipeline.store.purchases import Purchases

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.models.batch import Batch, BatchResult, EncodedBatchRequest

    from papers_pipeline.base.clock import Clock

logger = logging.getLogger(__name__)

LOCK = "batches"
MOST_REQUESTS = 5_000
"""In one job. Providers allow 50,000; a smaller job loses less if it expires."""
MOST_BYTES = 100_000_000
"""Of one job's requests. OpenAI allows 200 MB, Anthropic 256."""
IN_DOUBT = timedelta(minutes=10)
"""After this time a job that its provider does not list does not exist."""


class Busy(Exception):
    """Another process works on the batches."""


class NoSuchBatch(LookupError):
    """No unfinished batch has this id."""


@dataclass(frozen=True)
class Prepared:
    """A text to be bought by batch: its identity, its first request, and its price.

    `is_bought` says whether a purchase answers it by now.
    """

    text: BatchText
    identity: Mapping[str, str]
    model: str
    request: "EncodedBatchRequest"
    usd: float | None
    is_bought: Callable[[], bool]


@dataclass(frozen=True)
class Problem:
    """A job that could not be asked about, and why."""

    job: BatchJob
    detail: str


class Batches:
    """The batches of all processes with this data folder and coordination."""

    def __init__(
        self,
        store: BatchStore,
        access: Mapping[str, Access],
        *,
        purchases: Purchases,
        coordination: Coordination,
        clock: "Clock",
        assumed_price: float | None,
        timeout_seconds: float,
    ) -> None:
        self.store = store
        self._access = access
        self._purchases = purchases
        self._coordination = coordination
        self._ledger = coordination.ledger
        self._clock = clock
        self._assumed_price = assumed_price
        self._timeout_seconds = timeout_seconds

    @contextmanager
    def held(self, *, wait: bool = True) -> Iterator[None]:
        """Keep other processes from submitting and collecting. Raises Busy instead of waiting."""

        def busy(message: str) -> NoReturn:
            raise Busy

        if wait:
            with self._coordination.held(LOCK, on_wait=logger.warning):
                yield
        else:
            with self._coordination.held(LOCK, on_wait=busy):
                yield

    @asynccontextmanager
    async def provider(self, name: str) -> AsyncIterator[BatchProvider]:
        """The batches of a model; the connection is closed at the end."""
        provider = connect_batches(name, self._access[split_name(name)[0]], self._timeout_seconds)
        try:
            yield provider
        finally:
            await provider.close()

    def estimated_usd_today(self) -> float:
        """The USD that the unfinished jobs of this UTC day should cost."""
        today = self._clock.today()
        open_jobs = (job for job in self.store.jobs() if not job.is_settled)
        return sum(job.estimated_usd or 0.0 for job in open_jobs if job.created_at.date() == today)

    async def submit(self, prepared: Sequence[Prepared]) -> list[BatchJob]:
        """Submit the texts, in as few jobs as the providers allow; call it while `held`.

        A text that was bought meanwhile, or that a job has already, is left out.
        """
        jobs = []
        for part in _parts(prepared):
            job = await self._submit(part)
            if job is not None:
                jobs.append(job)
        return jobs

    async def _submit(self, part: Sequence[Prepared]) -> BatchJob | None:
        job = self._new_job(part)
        self.store.save_texts(job, [each.text for each in part])
        self.store.save(job)
        part = [each for each in part if await self._claim(each, job)]
        if not part:
            self.store.drop(job)
            return None
        self.store.save_texts(job, [each.text for each in part])
        job = job.model_copy(
            update={"requests": len(part), "days": _days(part), "estimated_usd": _usd(part)}
        )
        requests = [each.request for each in part]
        async with self.provider(job.model) as provider:
            try:
                input_file = await provider.upload(requests)
            except Exception as error:  # each SDK has errors of its own
                return self._settled(job, "refused", detail=_line(error))
            job = self.store.save(
                job.model_copy(
                    update={
                        "state": "submitting",
                        "created_at": self._clock.now(),
                        "input_file": input_file,
                    }
                )
            )
            try:
                batch = await provider.create(job, requests)
            except NotCreated as error:
                return self._settled(job, "refused", detail=_line(error))
            except Exception as error:
                # The job may exist. It is looked for, never created again.
                return self.store.save(job.model_copy(update={"detail": _line(error)}))
        return self.store.save(job.model_copy(update={"state": "open", "handle": _dumped(batch)}))

    def _new_job(self, part: Sequence[Prepared]) -> BatchJob:
        return BatchJob(
            id=uuid.uuid4().hex[:12],
            model=part[0].model,
            state="preparing",
            created_at=self._clock.now(),
            requests=len(part),
            days=_days(part),
            group=part[0].request.group,
        )

    async def _claim(self, prepared: Prepared, job: BatchJob) -> bool:
        """Give the text to the job, unless it is bought or another job has it."""
        text = prepared.text
        # A chain that buys this text live holds the same lock.
        async with self._purchases.held(text.asset, dict(prepared.identity)):
            if prepared.is_bought() or self.store.text(text.key) is not None:
                return False
            self.store.keep(text.key, KeptText(job=job.id, model=job.model, text=text))
            return True

    async def settle(self) -> list[Problem]:
        """Bring every job up to date, and store the answers of those that have ended.

        If an answer was lost before it was used, its job is collected again. Call it while `held`.
        Returns the jobs that could not be asked about.
        """
        problems = []
        lost = self.store.jobs_to_collect_again()
        for job in self.store.jobs():
            if job.id in lost:
                job = self.store.save(job.model_copy(update={"state": "open"}))
            if job.is_settled:
                continue
            try:
                await self._settle(job)
            except Exception as error:  # each SDK has errors of its own
                problems.append(Problem(job, _line(error)))
        return problems

    def has_work(self) -> bool:
        """Whether a provider has to be asked about a job."""
        is_open = any(not job.is_settled for job in self.store.jobs())
        return is_open or bool(self.store.jobs_to_collect_again())

    def forget(self, job_id: str) -> BatchJob:
        """Give an unfinished job up, so that its texts can be bought again.

        Call it while `held`. Raises NoSuchBatch.
        """
        for job in self.store.jobs():
            if job.id == job_id and not job.is_settled:
                return self._settled(job, "forgotten")
        raise NoSuchBatch(job_id)

    async def _settle(self, job: BatchJob) -> None:
        from pydantic import TypeAdapter
        from pydantic_ai.models.batch import Batch

        if job.state == "preparing":
            # The process died before it asked the provider.
            self.store.release(job)
            self.store.drop(job)
            return
        async with self.provider(job.model) as provider:
            if job.handle is None:
                found = await self._find(job, provider)
                if found is None:
                    return
                job = found
            batch = await provider.model.batch_status(
                TypeAdapter(Batch).validate_python(job.handle)
            )
            if batch.status != "ended":
                return
            results = await provider.model.batch_results(batch)
            why = _why_none_ran(batch.provider_details)
            self._collect(job, provider, results, why)

    async def _find(self, job: BatchJob, provider: BatchProvider) -> BatchJob | None:
        """The job with its handle; None if it has none yet, or does not exist."""
        keys = {text.key for text in self.store.texts(job)}
        known = {other.handle["id"] for other in self.store.jobs() if other.handle}
        group = job.group or await provider.group()
        found = await provider.find(job, keys, group, known)
        if found is None:
            if self._clock.now() >= job.created_at + IN_DOUBT:
                self._settled(job, "refused", detail=job.detail or "the provider has no such batch")
            return None
        if found == "unsure":
            return None
        handle = _dumped(found)
        return self.store.save(job.model_copy(update={"state": "open", "handle": handle}))

    def _collect(
        self,
        job: BatchJob,
        provider: BatchProvider,
        results: Sequence["BatchResult"],
        why_none_ran: str | None,
    ) -> None:
        """Enter the answers into the ledger, each once, and store them; release the other texts.

        Every step can be repeated, so a process may die between any two of them.
        """
        texts = {text.key: text for text in self.store.texts(job)}
        since = date.min if job.is_recovered else job.created_at.date()
        entered = self._ledger.keys_of_batch(job.id, since)
        endings = dict.fromkeys(texts, "missing")
        spendings = []
        answered = []
        for result in results:
            text = texts.get(result.custom_id)
            if text is None:
                continue
            ending: str = result.status
            if result.status == "succeeded":
                try:
                    spendings.append(self._spending(job, provider, text, result))
                    answered.append(result)
                except Exception:  # whatever the parser of a broken body raises
                    ending = "unreadable"
            endings[text.key] = ending
        self._ledger.add(*(each for each in spendings if each.key not in entered))
        for result in answered:
            kept = self.store.text(result.custom_id)
            # A text without a file was used after an earlier try to collect.
            if kept is not None and kept.job == job.id:
                answer = kept.model_copy(update={"body": result.body})
                self.store.keep(result.custom_id, answer)
        prices = [spending.usd for spending in spendings if spending.usd is not None]
        self._settled(
            job,
            "collected",
            results=dict(Counter(endings.values())),
            unanswered={key: end for key, end in endings.items() if end != "succeeded"},
            usd=sum(prices) if prices else None,
            detail=why_none_ran,
        )

    def _spending(
        self, job: BatchJob, provider: BatchProvider, text: BatchText, result: "BatchResult"
    ) -> Spending:
        from pydantic_ai.models.batch import BatchRequest

        # Tokens and price are the same whatever the question was.
        question = BatchRequest(custom_id=text.key, messages=[])
        response = provider.model.batch_decode(result, question)
        provider_name, model = split_name(job.model)
        return Spending(
            at=self._clock.now(),
            asset=text.asset,
            arxiv_id=text.arxiv_id,
            day=text.day,
            provider=provider_name,
            model=model,
            prompt_version=text.prompt_version,
            **asdict(CallTokens.of(response.usage)),
            usd=batch_usd(response, job.model, self._assumed_price),
            batch=job.id,
            key=text.key,
        )

    def _settled(self, job: BatchJob, state: JobState, **changes: Any) -> BatchJob:
        self.store.release(job)
        changes |= {"state": state, "ended_at": self._clock.now()}
        return self.store.save(job.model_copy(update=changes))


def batch_usd(response: "ModelResponse", name: str, assumed_price: float | None) -> float | None:
    """The USD of an answer from a batch; None if the price is unknown."""
    try:
        # The response is marked as one of a batch, and is priced so.
        return float(response.cost().total_price)
    except (LookupError, ValueError):
        usd = price(name, CallTokens.of(response.usage), assumed_price)
        return None if usd is None else usd * BATCH_SHARE


def _parts(prepared: Sequence[Prepared]) -> Iterator[list[Prepared]]:
    """The texts that go into one job each: of one model, and no more than a job may have."""
    groups: dict[tuple[str, str], list[Prepared]] = {}
    for each in prepared:
        groups.setdefault((each.model, each.request.group), []).append(each)
    for group in groups.values():
        part: list[Prepared] = []
        size = 0
        for each in group:
            own = len(each.request.body.encode())
            if part and (len(part) == MOST_REQUESTS or size + own > MOST_BYTES):
                yield part
                part, size = [], 0
            part.append(each)
            size += own
        yield part


def _days(part: Sequence[Prepared]) -> tuple[str, ...]:
    return tuple(sorted({each.text.day for each in part}))


def _usd(part: Sequence[Prepared]) -> float | None:
    prices = [each.usd for each in part if each.usd is not None]
    return sum(prices) if len(prices) == len(part) else None


def _dumped(batch: "Batch") -> dict[str, Any]:
    from pydantic import TypeAdapter
    from pydantic_ai.models.batch import Batch

    dumped: dict[str, Any] = TypeAdapter(Batch).dump_python(batch, mode="json")
    return dumped


def _why_none_ran(details: Mapping[str, Any] | None) -> str | None:
    """Why OpenAI rejected a whole job after it was created; None if it did not."""
    if not details or details.get("status") != "failed":
        return None
    for error in details.get("errors", []):
        if isinstance(error, dict) and error.get("message"):
            return excerpt(str(error["message"]), 300)
    return "the provider rejected the batch"


def _line(error: Exception) -> str:
    return excerpt(str(error), 300)
