"""Which texts of which days are bought by batch, and their submission."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from papers_pipeline.base import loop
from papers_pipeline.enrichment.plan import Planner
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.llm.batch_providers import BATCH_SHARE, has_batches
from papers_pipeline.llm.batch_store import BatchJob, BatchText
from papers_pipeline.llm.batches import MOST_REQUESTS, Prepared
from papers_pipeline.llm.chain import open_chain
from papers_pipeline.llm.conversation import is_valid
from papers_pipeline.llm.models import Models
from papers_pipeline.store.lake import Lake

Wanted = Mapping[str, Sequence[str]]
"""The days of each asset."""


@dataclass
class Submission:
    """What was submitted, and what was left for live calls.

    `live` counts the texts of models without batches, `over_budget` those that the day's budget did
    not cover. `unread` are the assets and days whose inputs are not built yet.
    """

    jobs: list[BatchJob] = field(default_factory=list)
    live: Counter[str] = field(default_factory=Counter)
    over_budget: int = 0
    unread: list[tuple[str, str]] = field(default_factory=list)

    @property
    def refused(self) -> list[BatchJob]:
        """The jobs that their provider did not create."""
        return [job for job in self.jobs if job.state == "refused"]


def submit(
    wanted: Wanted,
    *,
    stages: Mapping[str, AnyStage],
    lake: Lake,
    models: Models,
    planner: Planner,
    only: Set[str] | None = None,
) -> Submission:
    """Submit every text of these days that has to be bought and that a batch can answer.

    With `only`, no other texts than those with these keys. Raises UnknownPrice if there is a
    budget and the price of a model is not known.
    """
    with models.batches.held():
        return loop.run(_submit(wanted, stages, lake, models, planner, only))


async def _submit(
    wanted: Wanted,
    stages: Mapping[str, AnyStage],
    lake: Lake,
    models: Models,
    planner: Planner,
    only: Set[str] | None,
) -> Submission:
    submission = Submission()
    left = _left_of_budget(models)
    waiting: dict[str, list[Prepared]] = {}
    async for prepared in _prepared(wanted, stages, lake, models, planner, only, submission):
        if left is not None:
            left -= prepared.usd or 0.0
            if left < 0:
                submission.over_budget += 1
                continue
        part = waiting.setdefault(prepared.model, [])
        part.append(prepared)
        # Thousands of requests need not be in memory at once.
        if len(part) == MOST_REQUESTS:
            submission.jobs += await models.batches.submit(waiting.pop(prepared.model))
    for part in waiting.values():
        submission.jobs += await models.batches.submit(part)
    return submission


def submit_expired(
    job_id: str,
    *,
    stages: Mapping[str, AnyStage],
    lake: Lake,
    models: Models,
    planner: Planner,
) -> Submission:
    """Submit the texts again that expired in a batch. Expired requests cost nothing."""
    store = models.batches.store
    wanted: dict[str, list[str]] = {}
    expired = set()
    for job in store.jobs():
        if job.id == job_id:
            expired = {key for key, ending in job.unanswered.items() if ending == "expired"}
            for text in store.texts(job):
                days = wanted.setdefault(text.asset, [])
                if text.key in expired and text.asset in stages and text.day not in days:
                    days.append(text.day)
    wanted = {asset: days for asset, days in wanted.items() if days}
    return submit(wanted, stages=stages, lake=lake, models=models, planner=planner, only=expired)


@dataclass(frozen=True)
class _Text:
    """A text to be bought, with the variables of its prompt and its identity."""

    text: BatchText
    variables: Mapping[str, object]
    identity: dict[str, str]


def _texts(
    stage: AnyStage,
    days: Sequence[str],
    lake: Lake,
    models: Models,
    planner: Planner,
    submission: Submission,
) -> Iterator[_Text]:
    """The texts of a stage that neither a purchase, a batch nor a stored row answers, each once."""
    seen = set()
    for day in days:
        items = stage.stored_items(lake, day)
        if items is None:
            submission.unread.append((stage.asset, day))
            continue
        for item in items:
            if stage.why_not_asked(item) is not None:
                continue
            identity = {
                "prompt_version": stage.prompt.version,
                "input_hash": stage.input_hash(item),
            }
            key = models.purchases.key(stage.asset, identity)
            if key in seen or _is_bought(stage, identity, models)():
                continue
            if models.batches.store.text(key) is not None:
                continue
            if planner.is_kept_in_row(stage, identity["input_hash"]):
                continue
            seen.add(key)
            text = BatchText(
                key=key,
                asset=stage.asset,
                arxiv_id=item.arxiv_id,
                day=day,
                prompt_version=stage.prompt.version,
            )
            yield _Text(text, stage.prompt_variables(item)[0], identity)


async def _prepared(
    wanted: Wanted,
    stages: Mapping[str, AnyStage],
    lake: Lake,
    models: Models,
    planner: Planner,
    only: Set[str] | None,
    submission: Submission,
) -> AsyncIterator[Prepared]:
    """Each text with the first request that its chain would send. What is left is counted."""
    for asset, days in wanted.items():
        stage = stages[asset]
        available = models.configured(stage.prompt)
        if not available:
            continue
        model = available[0]
        texts = _texts(stage, days, lake, models, planner, submission)
        if only is not None:
            texts = (each for each in texts if each.text.key in only)
        if not has_batches(model):
            submission.live[model] += sum(1 for _ in texts)
            continue
        call = planner.usd(asset, 1)
        usd = None if call is None else call * BATCH_SHARE
        async with open_chain(models, stage.prompt, stage.output, stage.judge) as chain:
            for each in texts:
                request = await chain.first_request(model, each.text.key, each.variables)
                encoded = await chain.batch_provider(model).model.batch_encode(request)
                is_bought = _is_bought(stage, each.identity, models)
                yield Prepared(each.text, each.identity, model, encoded, usd, is_bought)


def _is_bought(stage: AnyStage, identity: dict[str, str], models: Models) -> Callable[[], bool]:
    """Whether a purchase answers an identity, whenever that is asked."""
    available = models.configured(stage.prompt)

    def is_bought() -> bool:
        entry = models.purchases.get(stage.asset, identity)
        return entry is not None and is_valid(entry, available)

    return is_bought


def _left_of_budget(models: Models) -> float | None:
    """The USD that the day's budget leaves for batches; None without a budget."""
    if models.daily_budget_usd is None:
        return None
    spent = models.ledger.total_usd(models.clock.today()) + models.batches.estimated_usd_today()
    return models.daily_budget_usd - spent
