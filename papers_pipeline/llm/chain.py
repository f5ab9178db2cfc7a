"""Language models asked about papers: a prompt's chain is tried in order until an answer keeps the guardrails, and no
answer is bought twice.

What ends an attempt and lets the next model try: an error, a refusal, an answer that is cut off or still breaks the
guardrails after it was sent back. A provider that answers 401, 403 or 'no credit' is closed for the rest of the
process after one call. Every call goes to the ledger; messages, replies and verdicts are kept with the answer.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel
from upath import UPath

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import PaperFailed, PaperPending
from papers_pipeline.llm.conversation import Attempt, conversation
from papers_pipeline.llm.ledger import Ledger, Spending
from papers_pipeline.llm.prices import price
from papers_pipeline.llm.providers import Access, Connection, connect
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.model_names import split_name
from papers_pipeline.prompts.prompt import Prompt, input_hash
from papers_pipeline.store import files as storage
from papers_pipeline.store.cache import Cache, CachedFailure, CacheEntry
from papers_pipeline.store.limits import SharedLimit, SharedSlots

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.models import Model
    from pydantic_ai.settings import ModelSettings

Output = TypeVar("Output", bound=BaseModel)
Judge = Callable[[Output, Mapping[str, Any]], Verdict]

WINDOW_SECONDS = 61.0
"""A second above the minute: a request reaches the provider a little after it was allowed."""
CORRECTIONS = 2
TRIES = 3
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Answer(Generic[Output]):
    """What a model said of a paper, when, and whether it was there already."""

    output: Output
    provider: str
    model: str
    created_at: datetime
    reused: bool


@dataclass
class Spent:
    """What a chain has cost so far. ``usd`` sums the calls of known price, ``unpriced_calls`` counts the others."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    unpriced_calls: int = 0


class UnknownPrice(OperatorError):
    """A budget cannot be kept with a model whose price is not known; the message names it and the way out."""


class Models:
    """The providers of one process: which are configured, which were closed and why, and what all of them share."""

    def __init__(
        self,
        access: Mapping[str, Access],
        *,
        data: UPath,
        home: Path,
        cache: Cache,
        clock: Clock,
        concurrency: int,
        requests_per_minute: int,
        daily_budget_usd: float | None = None,
        assumed_price: float | None = None,
        timeout_seconds: float = 120.0,
        backoff_seconds: float = 1.0,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self.access = access
        self.cache = cache
        self.clock = clock
        # On a bucket a file cannot be appended to: the ledger stays on this machine.
        self.ledger = Ledger(
            Path(data.path) / "ledger" if storage.is_local(data) else home / "ledger"
        )
        self.attempts = data / "attempts"
        self.limits = home / "limits"
        self.concurrency = concurrency
        self.requests_per_minute = requests_per_minute
        self.daily_budget_usd = daily_budget_usd
        self.assumed_price = assumed_price
        self.timeout_seconds = timeout_seconds
        self.backoff_seconds = backoff_seconds
        self.window_seconds = window_seconds
        self.closed: dict[str, str] = {}
        self.proven: set[str] = set()

    def configured(self, prompt: Prompt) -> list[str]:
        """The models of a prompt's chain whose provider is configured."""
        return [name for name in prompt.models if self.access[split_name(name)[0]].is_configured]

    def is_over_budget(self) -> bool:
        """Whether the budget of this UTC day, over all processes, is spent."""
        return (
            self.daily_budget_usd is not None
            and self.ledger.total_usd(self.clock.today()) >= self.daily_budget_usd
        )

    def require_prices(self, names: Sequence[str]) -> None:
        """Raise UnknownPrice when there is a budget and a model whose price nobody knows."""
        unknown = [name for name in names if price(name, 1, 1, self.assumed_price) is None]
        if self.daily_budget_usd is not None and unknown:
            raise UnknownPrice(
                f"PAPERS_DAILY_BUDGET_USD is set, but the price of {', '.join(unknown)} is not known: "
                "set PAPERS_ASSUME_PRICE_USD (USD a million tokens), or unset the budget"
            )

    def why_closed(self, name: str) -> str | None:
        """Why a model is not asked any more, if so."""
        return self.closed.get(split_name(name)[0]) or self.closed.get(name)

    async def examine(self, name: str) -> str | None:
        """What is wrong with a model, if anything: it is looked up at its provider and asked one tiny question."""
        from pydantic_ai import UnexpectedModelBehavior
        from pydantic_ai.direct import model_request
        from pydantic_ai.exceptions import ModelAPIError
        from pydantic_ai.messages import ModelRequest
        from pydantic_ai.settings import ModelSettings

        connection = connect(name, self.access[split_name(name)[0]], self.timeout_seconds)
        question = ModelRequest.user_text_prompt("Answer with the word yes.")
        settings = ModelSettings(max_tokens=64, thinking=False)
        try:
            try:
                await connection.card()
            except Exception as error:  # each SDK has errors of its own
                return f"is not listed: {_line(error)}"
            response = await model_request(connection.model, [question], model_settings=settings)
        except (ModelAPIError, UnexpectedModelBehavior) as error:
            return f"is listed, but does not answer: {_line(error)}"
        finally:
            await connection.close()
        self.ledger.add(
            _spending(response, name, self.assumed_price, at=self.clock.now(), asset="doctor")
        )
        return None

    @asynccontextmanager
    async def chain(
        self, prompt: Prompt, output: type[Output], judge: Judge[Output], day: str | None = None
    ) -> "AsyncIterator[Chain[Output]]":
        """The chain of a prompt, whose answers are ``output`` objects that ``judge`` passes; its connections are closed
        at the end. ``day`` is noted in the ledger. Raises UnknownPrice before anything is asked."""
        self.require_prices(self.configured(prompt))
        async with AsyncExitStack() as stack:
            yield Chain(self, prompt, output, judge, day, stack)


class Chain(Generic[Output]):
    """The models of one prompt, tried in order."""

    def __init__(
        self,
        models: Models,
        prompt: Prompt,
        output: type[Output],
        judge: Judge[Output],
        day: str | None,
        stack: AsyncExitStack,
    ) -> None:
        self.spent = Spent()
        self._models = models
        self._prompt = prompt
        self._output = output
        self._judge = judge
        self._day = day
        self._stack = stack
        self._connections: dict[str, Connection] = {}
        self._agents: dict[str, Agent[_Asking, Output]] = {}
        # A lock belongs to the event loop that first waits for it, and every asset has a loop of its own.
        self._first_call: dict[str, asyncio.Lock] = {}
        self._slots = SharedSlots(models.limits, "llm-slots", models.concurrency)

    @cached_property
    def _limit(self) -> SharedLimit:
        models = self._models
        limit = SharedLimit(
            models.limits, "llm", models.requests_per_minute, models.window_seconds
        )
        self._stack.callback(limit.close)
        return limit

    async def ask(
        self, arxiv_id: str, *texts: Mapping[str, Any], again: bool = False
    ) -> Answer[Output]:
        """The answer about one paper, from the cache unless ``again``.

        ``texts`` is what the prompt is given; of several, the first goes to the first model and the next to the one
        after it, and only the first counts as the input. Raises PaperPending when no provider is configured and
        PaperFailed when none of them gave an answer; a new failure never takes the place of an answer.
        """
        available = self._models.configured(self._prompt)
        identity = {"prompt_version": self._prompt.version, "input_hash": input_hash(**texts[0])}
        old = (
            self._models.cache.get(self._prompt.asset, identity) if again or not available else None
        )
        if not available and (again or old is None or old.value is None):
            raise PaperPending("no_provider")

        def is_usable(entry: CacheEntry) -> bool:
            return not again and is_believed(entry, available)

        async def compute() -> CacheEntry:
            entry = await self._buy(arxiv_id, identity, texts, available)
            if again and old and old.value is not None:
                if entry.failure:
                    raise _failed(entry.failure)
                earlier = [*old.provenance.get("earlier", []), _without_earlier(old)]
                entry = entry.model_copy(
                    update={"provenance": entry.provenance | {"earlier": earlier}}
                )
            return entry

        entry, reused = await self._models.cache.get_or_compute(
            self._prompt.asset, identity, compute, is_usable
        )
        if entry.failure:
            raise _failed(entry.failure)
        how = entry.provenance
        output = self._output.model_validate(entry.value)
        return Answer(output, how["provider"], how["model"], entry.created_at, reused)

    async def _buy(
        self,
        arxiv_id: str,
        identity: dict[str, str],
        texts: Sequence[Mapping[str, Any]],
        available: Sequence[str],
    ) -> CacheEntry:
        attempts: list[Attempt] = []
        for number in range(max(len(available), len(texts))):
            name = available[min(number, len(available) - 1)]
            is_last_text = number >= len(texts) - 1
            output, attempt = await self._attempt(
                arxiv_id, name, texts[min(number, len(texts) - 1)], is_last_text
            )
            attempts.append(attempt)
            if output is not None:
                provider, model = split_name(name)
                provenance = {"provider": provider, "model": model, "models": list(available)}
                return CacheEntry(
                    asset=self._prompt.asset,
                    identity=identity,
                    created_at=self._models.clock.now(),
                    value=output.model_dump(mode="json"),
                    provenance=provenance | self._provenance(arxiv_id, attempts),
                )
        return self._failure(arxiv_id, identity, available, attempts)

    def _failure(
        self,
        arxiv_id: str,
        identity: dict[str, str],
        available: Sequence[str],
        attempts: list[Attempt],
    ) -> CacheEntry:
        now = self._models.clock.now()
        provenance = {"models": list(available)} | self._provenance(arxiv_id, attempts)
        kept = (
            self._models.attempts
            / str(now.date())
            / f"{arxiv_id}.{self._prompt.asset}.{now:%H%M%S%f}.json"
        )
        storage.write(kept, json.dumps(provenance, ensure_ascii=False, indent=1).encode() + b"\n")
        results = {attempt.result for attempt in attempts}
        detail = "; ".join(
            f"{attempt.model} {attempt.result}: {attempt.detail}" for attempt in attempts
        )
        if not results <= {"refused", "unusable"}:
            raise PaperFailed("unreachable", detail, attempts=len(attempts))
        reason = "refused" if results == {"refused"} else "unusable"
        failure = CachedFailure(
            stage=self._prompt.asset, reason=reason, detail=detail, attempts=len(attempts)
        )
        entry = self._models.cache.final_failure(self._prompt.asset, identity, failure)
        return entry.model_copy(update={"provenance": provenance})

    def _provenance(self, arxiv_id: str, attempts: Sequence[Attempt]) -> dict[str, Any]:
        priced = [attempt.usd for attempt in attempts if attempt.usd is not None]
        return {
            "arxiv_id": arxiv_id,
            "prompt": self._prompt.name,
            "prompt_version": self._prompt.version,
            "input_tokens": sum(attempt.input_tokens for attempt in attempts),
            "output_tokens": sum(attempt.output_tokens for attempt in attempts),
            "usd": sum(priced) if priced else None,
            "attempts": [attempt.model_dump(mode="json") for attempt in attempts],
        }

    async def _attempt(
        self, arxiv_id: str, name: str, text: Mapping[str, Any], is_last_text: bool
    ) -> tuple[Output | None, Attempt]:
        from pydantic_ai import capture_run_messages
        from pydantic_ai.exceptions import (
            AgentRunError,
            ContentFilterError,
            UnexpectedModelBehavior,
        )

        asked = self._prompt.messages(**text)
        asking = _Asking(lambda output: self._judge(output, text), is_last_text)
        output, result, detail = None, "error", None
        with capture_run_messages() as messages:
            try:
                speaker = _metered(self, name, arxiv_id, asking)
                run = await self._agent(name).run(
                    asked.user, instructions=asked.system, model=speaker, deps=asking
                )
                output, result = run.output, "answered"
            except _Closed as closed:
                result, detail = "closed", str(closed)
            except ContentFilterError as error:
                result, detail = "refused", _line(error)
            except _CutOff:
                result, detail = (
                    "unusable",
                    f"the answer was cut off at {self._prompt.max_tokens} tokens",
                )
            except _AskNext:
                result, detail = "unusable", "nothing found: the next model is shown more"
            except UnexpectedModelBehavior as error:
                faults = asking.verdicts[-1]["faults"] if asking.verdicts else []
                # Without any response it was something else that answered in the model's place, such as a proxy.
                result = "unusable" if asking.spent.calls else "error"
                detail = " ".join(faults) or _line(error)
            except AgentRunError as error:
                detail = _line(error)
        attempt = Attempt.model_validate(
            {
                "model": name,
                "result": result,
                "detail": detail,
                "messages": conversation(asked.system, messages),
                "verdicts": asking.verdicts,
                "input_tokens": asking.spent.input_tokens,
                "output_tokens": asking.spent.output_tokens,
                "usd": asking.spent.usd
                if asking.spent.calls > asking.spent.unpriced_calls
                else None,
            }
        )
        return output, attempt

    def connection(self, name: str) -> Connection:
        """The connection to a model, made at its first question and closed with the chain."""
        if name not in self._connections:
            access = self._models.access[split_name(name)[0]]
            made = self._connections[name] = connect(name, access, self._models.timeout_seconds)
            self._stack.push_async_callback(made.close)
        return self._connections[name]

    def _agent(self, name: str) -> "Agent[_Asking, Output]":
        from pydantic_ai import Agent, ModelRetry, RunContext

        if name not in self._agents:
            connection = self.connection(name)
            agent: Agent[_Asking, Output] = Agent(
                connection.model,
                deps_type=_Asking,
                output_type=connection.structured(self._output),
                retries={"output": CORRECTIONS},
                model_settings=_settings(self._prompt),
            )

            @agent.output_validator
            def hold(context: RunContext[_Asking], output: Output) -> Output:
                verdict = context.deps.judge(output)
                context.deps.verdicts.append(
                    {"faults": list(verdict.faults), "warnings": list(verdict.warnings)}
                )
                if verdict.faults:
                    raise ModelRetry("\n".join(verdict.faults))
                if verdict.is_empty and not context.deps.is_last_text:
                    raise _AskNext
                return output

            self._agents[name] = agent
        return self._agents[name]

    async def send(
        self, name: str, arxiv_id: str, asking: "_Asking", request: "Callable[[], Any]"
    ) -> "ModelResponse":
        """One request within the limits, repeated after a rate limit, a server error or a broken connection, and
        entered into the ledger."""
        from pydantic_ai.exceptions import (
            ModelConnectionError,
            ModelRateLimitError,
            ModelServerError,
            ModelUnavailableError,
        )

        for number in range(1, TRIES + 1):
            try:
                response: ModelResponse = await self._in_turn(name, request)
            except (
                ModelRateLimitError,
                ModelServerError,
                ModelUnavailableError,
                ModelConnectionError,
            ) as error:
                pause = error.retry_after or self._models.backoff_seconds * 2 ** (number - 1)
                if number == TRIES or pause > LONGEST_WAIT_SECONDS:
                    raise
                await asyncio.sleep(pause)
            else:
                self._book(name, arxiv_id, asking, response)
                # Here, since half an answer can be a valid one, and an invalid one would be cut off again.
                if response.finish_reason == "length":
                    raise _CutOff
                return response
        raise AssertionError("the last try returns or raises")

    async def _in_turn(self, name: str, request: "Callable[[], Any]") -> "ModelResponse":
        from pydantic_ai.exceptions import (
            ModelAuthenticationError,
            ModelNotFoundError,
            ModelQuotaExceededError,
        )

        provider = split_name(name)[0]
        async with AsyncExitStack() as turn:
            if provider not in self._models.proven:
                # Until a provider has answered once, one request at a time: a wrong key costs one call, not eight.
                await turn.enter_async_context(
                    self._first_call.setdefault(provider, asyncio.Lock())
                )
            if reason := self._models.why_closed(name):
                raise _Closed(reason)
            await turn.enter_async_context(self._slots.held())
            await self._limit.acquire_async()
            # Last of all: others may have spent the rest while this request waited for its turn.
            if self._models.is_over_budget():
                raise PaperPending("budget")
            try:
                response: ModelResponse = await request()
            except (ModelAuthenticationError, ModelQuotaExceededError) as error:
                self._models.closed[provider] = _line(error)
                raise
            except ModelNotFoundError as error:
                self._models.closed[name] = _line(error)
                raise
            self._models.proven.add(provider)
            return response

    def _book(self, name: str, arxiv_id: str, asking: "_Asking", response: "ModelResponse") -> None:
        spending = _spending(
            response,
            name,
            self._models.assumed_price,
            at=self._models.clock.now(),
            asset=self._prompt.asset,
            arxiv_id=arxiv_id,
            day=self._day,
            prompt_version=self._prompt.version,
        )
        self._models.ledger.add(spending)
        for spent in (self.spent, asking.spent):
            spent.calls += 1
            spent.input_tokens += spending.input_tokens
            spent.output_tokens += spending.output_tokens
            spent.usd += spending.usd or 0.0
            spent.unpriced_calls += spending.usd is None


def is_believed(entry: CacheEntry, available: Sequence[str]) -> bool:
    """Whether an entry stands: an answer always does, a failure until a model is configured that was not tried."""
    return entry.value is not None or set(available) <= set(entry.provenance["models"])


def _failed(failure: CachedFailure) -> PaperFailed:
    return PaperFailed(failure.reason, failure.detail, retryable=False, attempts=failure.attempts)


@dataclass
class _Asking:
    """What the validator of an answer needs to know, and what it leaves behind."""

    judge: Callable[[Any], Verdict]
    is_last_text: bool
    verdicts: list[dict[str, list[str]]] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)


class _Closed(Exception):
    """The provider was closed earlier in this process."""


class _CutOff(Exception):
    """The answer reached the limit of tokens."""


class _AskNext(Exception):
    """A good but empty answer that a longer text may fill."""


def _settings(prompt: Prompt) -> "ModelSettings":
    from pydantic_ai.settings import ModelSettings

    # Short texts need no long thought, and what a model thinks is paid for and counts against its answer. The
    # announcement would put 120 English words before a prompt in Russian or Chinese.
    settings = ModelSettings(
        max_tokens=prompt.max_tokens, thinking=False, framing_announcement="never"
    )
    return (
        settings if prompt.temperature is None else settings | {"temperature": prompt.temperature}
    )


def _metered(chain: "Chain[Any]", name: str, arxiv_id: str, asking: _Asking) -> "Model":
    """The model with every request of one question sent through the chain."""
    from pydantic_ai.models.wrapper import WrapperModel

    class Metered(WrapperModel):
        async def request(self, *args: Any) -> "ModelResponse":
            return await chain.send(name, arxiv_id, asking, lambda: self.wrapped.request(*args))

    return Metered(chain.connection(name).model)


def _spending(
    response: "ModelResponse", name: str, assumed_price: float | None, **about: Any
) -> Spending:
    provider, model = split_name(name)
    tokens = {
        "input_tokens": response.usage.input_tokens,
        "output_tokens": response.usage.output_tokens,
    }
    try:  # the response knows of cached and other tokens that have prices of their own
        usd: float | None = float(response.cost().total_price)
    except (LookupError, ValueError):
        usd = price(name, tokens["input_tokens"], tokens["output_tokens"], assumed_price)
    return Spending(provider=provider, model=model, usd=usd, **tokens, **about)


def _line(error: Exception, most: int = 300) -> str:
    folded = " ".join(str(error).split())
    return folded if len(folded) <= most else folded[: most - 1] + "…"


def _without_earlier(entry: CacheEntry) -> dict[str, Any]:
    kept = {name: value for name, value in entry.provenance.items() if name != "earlier"}
    return entry.model_copy(update={"provenance": kept}).model_dump(mode="json")
