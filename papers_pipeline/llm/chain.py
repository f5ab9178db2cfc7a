"""Chains of models: a prompt's models are asked in order until an answer passes the guardrails.

No answer is bought twice. An answer with faults is sent back. The next model is asked after an
error, a refusal, an answer that is cut off, or one that still has a fatal fault. An answer with
other faults is kept meanwhile: it is published if the corrections give no better one. A provider
that answers 401, 403 or "no credit" is closed for the rest of the process after one call. Every
call goes to the ledger; messages, replies and verdicts are stored with the answer. If a batch has
answered already, its answer takes the place of the first request.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel
from upath import UPath

from papers_pipeline.base.characters import excerpt
from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.faults import Fault
from papers_pipeline.base.loaded_once import LoadedOnce, preload
from papers_pipeline.base.notes import Note
from papers_pipeline.base.per_paper import PaperFailed, PaperPending
from papers_pipeline.coordination.interface import Coordination
from papers_pipeline.llm.batch_providers import BatchProvider, connect_batches
from papers_pipeline.llm.batch_store import BatchStore, KeptText
from papers_pipeline.llm.batches import Batches, batch_usd
from papers_pipeline.llm.conversation import (
    Attempt,
    AttemptResult,
    KeptVerdict,
    Provenance,
    conversation,
)
from papers_pipeline.llm.estimates import asked_tokens, counted_tokens, estimated_tokens
from papers_pipeline.llm.prices import CallTokens, price
from papers_pipeline.llm.providers import Access, Connection, connect, list_models
from papers_pipeline.llm.turns import (
    LONGEST_WAITED_PAUSE_SECONDS,
    ProviderPaused,
    Turn,
    Turns,
)
from papers_pipeline.llm.verdict import Verdict, of_severity
from papers_pipeline.prompts.model_names import split_name
from papers_pipeline.prompts.prompt import Prompt, input_hash
from papers_pipeline.store import files as storage
from papers_pipeline.store.cache import Cache, CachedFailure, CacheEntry
from papers_pipeline.store.ledger import CallState, Spending
from papers_pipeline.store.limits import POLL_SECONDS, Rate

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model
    from pydantic_ai.models.batch import BatchRequest
    from pydantic_ai.settings import ModelSettings

logger = logging.getLogger(__name__)

Output = TypeVar("Output", bound=BaseModel)
Judge = Callable[[Output, Mapping[str, Any]], Verdict]
Repair = Callable[[Output], tuple[Output, Sequence[str]]]
"""Mends an answer free of charge; the mended answer, and what was changed."""

WINDOW_SECONDS = 61.0
"""A minute and a second: a request reaches the provider a little after the limit allowed it."""
CORRECTIONS = 2
TRIES = 3
TRIES_WHEN_SENT = 2
"""A request that was sent and got no answer may have been paid for, each time."""
TRIES_WHEN_REFUSED = 10
"""A rate limit says nothing against the request: it is sent again more often."""


@dataclass(frozen=True)
class Answer(Generic[Output]):
    """A model's answer about a paper; `reused` if it came from the cache.

    `faults` are those that it still has. None of them is fatal.
    """

    output: Output
    provider: str
    model: str
    created_at: datetime
    reused: bool
    faults: tuple[Fault, ...] = ()


@dataclass
class Spent:
    """Calls, tokens and cost so far.

    `usd` sums the calls of known price, `unpriced_calls` counts the others.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    unpriced_calls: int = 0


class UnknownPrice(OperatorError):
    """There is a budget and a model without a known price; the message says what to set."""


class Models:
    """The providers of one process, and the cache, ledger and limits that they share.

    `closed` has the providers and models that are not asked any more, each with the reason.
    `requests_per_minute` limits all providers together, `rates` limits each. They live on one event
    loop.
    """

    def __init__(
        self,
        access: Mapping[str, Access],
        *,
        data: UPath,
        coordination: Coordination,
        cache: Cache,
        clock: Clock,
        concurrency: int,
        rates: Mapping[str, Rate] | None = None,
        requests_per_minute: int | None = None,
        daily_budget_usd: float | None = None,
        assumed_price: float | None = None,
        timeout_seconds: float = 120.0,
        backoff_seconds: float = 1.0,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self.access = access
        self.cache = cache
        self.clock = clock
        self.ledger = coordination.ledger
        self.attempts = data / "attempts"
        self.batches = Batches(
            BatchStore(data / "batches"),
            access,
            cache=cache,
            coordination=coordination,
            clock=clock,
            assumed_price=assumed_price,
            timeout_seconds=timeout_seconds,
        )
        self.daily_budget_usd = daily_budget_usd
        self.assumed_price = assumed_price
        self.timeout_seconds = timeout_seconds
        self.backoff_seconds = backoff_seconds
        self.closed: dict[str, str] = {}
        self.turns = Turns(
            coordination,
            rates or {},
            concurrency=concurrency,
            requests_of_all=requests_per_minute,
            window_seconds=window_seconds,
            backoff_seconds=backoff_seconds,
        )

    def configured(self, prompt: Prompt) -> list[str]:
        """The models of a prompt's chain whose provider is configured."""
        return [name for name in prompt.models if self.access[split_name(name)[0]].is_configured]

    def require_prices(self, names: Sequence[str]) -> None:
        """Raise UnknownPrice if there is a budget and the price of a model is not known."""
        if self.daily_budget_usd is None:
            return
        unknown = [
            name for name in names if price(name, CallTokens(1, 1), self.assumed_price) is None
        ]
        if unknown:
            raise UnknownPrice(
                "PAPERS_DAILY_BUDGET_USD is set, but "
                f"the price of {', '.join(unknown)} is not known: "
                "set PAPERS_ASSUME_PRICE_USD (USD per million tokens), or unset the budget"
            )

    def why_closed(self, name: str) -> str | None:
        """Why a model is not asked any more; None if it still is."""
        return self.closed.get(split_name(name)[0]) or self.closed.get(name)

    def closed_models(self, prompt: Prompt) -> dict[str, str]:
        """The models of a prompt's chain that are not asked any more, and why."""
        closed = {}
        for name in prompt.models:
            why = self.why_closed(name)
            if why:
                closed[name] = why
        return closed

    async def examine(self, name: str) -> str | None:
        """What is wrong with a model; None if its provider lists it and it answers a question."""
        from pydantic_ai.direct import model_request
        from pydantic_ai.messages import ModelRequest
        from pydantic_ai.settings import ModelSettings

        connection = connect(name, self.access[split_name(name)[0]], self.timeout_seconds)
        question = ModelRequest.user_text_prompt("Answer with the word yes.")
        settings = ModelSettings(max_tokens=64, thinking=False)
        call = self.unsettled(name, [question], 64, asset="doctor")
        try:
            try:
                await connection.card()
            except Exception as error:  # each SDK has errors of its own
                return f"is not listed: {_line(error)}"
            await asyncio.to_thread(self.ledger.reserve, call)
            try:
                response = await model_request(
                    connection.model, [question], model_settings=settings
                )
            except Exception as error:  # whatever an SDK makes of an answer
                if _is_free(error):
                    self.settle(call.refused())
                return f"is listed, but does not answer: {_line(error)}"
        finally:
            await connection.close()
        self.settle(_settled(call, response, [question], self.assumed_price))
        return None

    def unsettled(
        self, name: str, messages: "Sequence[ModelMessage]", max_tokens: int, **about: Any
    ) -> Spending:
        """The line of the ledger for a request about to be sent, with the most that it may cost.

        `max_tokens` are those of the answer; `about` says what it is asked for.
        """
        provider, model = split_name(name)
        tokens = CallTokens(asked_tokens(messages), max_tokens)
        return Spending(
            at=self.clock.now(),
            provider=provider,
            model=model,
            usd=price(name, tokens, self.assumed_price),
            call=uuid.uuid4().hex[:16],
            state="unsettled",
            **asdict(tokens),
            **about,
        )

    def settle(self, spending: Spending) -> None:
        """Enter what became of a call. An answer is not lost if this fails."""
        try:
            self.ledger.add(spending)
        except OSError:
            logger.exception("a call stays unsettled in the ledger")

    async def why_unreachable(self, provider: str) -> str | None:
        """Why a provider does not list its models; None if it does."""
        try:
            await list_models(provider, self.access[provider], self.timeout_seconds)
        except Exception as error:  # each SDK has errors of its own
            return _line(error)
        return None

    @asynccontextmanager
    async def chain(
        self,
        prompt: Prompt,
        output: type[Output],
        judge: Judge[Output],
        day: str | None = None,
        *,
        repair: Repair[Output] = lambda output: (output, ()),
        note: Note = lambda message: None,
        preloads: Sequence[LoadedOnce[Any]] = (),
    ) -> "AsyncIterator[Chain[Output]]":
        """The chain of a prompt; its connections are closed at the end.

        Answers are `output` objects without fatal faults in the verdict of `judge`, which sees what
        `repair` has mended. `day` goes to the ledger. `note` is told what long waits are for.
        `preloads`, which `judge` needs, are loaded while the first answer is awaited. Raises
        UnknownPrice before any model is asked.
        """
        self.require_prices(self.configured(prompt))
        async with AsyncExitStack() as stack:
            yield Chain(self, prompt, output, judge, repair, day, note, preloads, stack)


class Chain(Generic[Output]):
    """The models of one prompt, tried in order."""

    def __init__(
        self,
        models: Models,
        prompt: Prompt,
        output: type[Output],
        judge: Judge[Output],
        repair: Repair[Output],
        day: str | None,
        note: Note,
        preloads: Sequence[LoadedOnce[Any]],
        stack: AsyncExitStack,
    ) -> None:
        self.spent = Spent()
        self._models = models
        self._prompt = prompt
        self._output = output
        self._judge = judge
        self._repair = repair
        self._day = day
        self._note = note
        self._preloads = preloads
        self._stack = stack
        self._connections: dict[str, Connection] = {}
        self._agents: dict[str, Agent[_Question, Output]] = {}
        self._batch_providers: dict[str, BatchProvider] = {}

    async def ask(
        self,
        arxiv_id: str,
        *prompt_variables: Mapping[str, Any],
        again: bool = False,
        kept_elsewhere: Callable[[], CacheEntry | None] = lambda: None,
    ) -> Answer[Output]:
        """The answer about one paper, from the cache or else `kept_elsewhere`, unless `again`.

        `prompt_variables` fill the template. If several are given, the first model gets the
        first, the next model the next; only the first are part of the cache key. Raises
        PaperPending if no provider is configured or a batch has the question, and PaperFailed if no
        model gave an answer. A new failure never replaces an answer.
        """
        cache = self._models.cache
        key = cache.key(self._prompt.asset, self.identity(prompt_variables[0]))
        available = self._models.configured(self._prompt)
        identity = self.identity(prompt_variables[0])
        stored = None
        if again:
            stored = cache.get(self._prompt.asset, identity) or kept_elsewhere()
        replaced = stored if stored is not None and stored.value is not None else None
        is_restored = False

        def is_usable(entry: CacheEntry) -> bool:
            if again or not available:
                return not again and entry.value is not None
            return is_valid(entry, available)

        async def compute() -> CacheEntry:
            nonlocal is_restored
            restored = None if again else kept_elsewhere()
            if restored is not None:
                is_restored = True
                return restored
            if not available:
                raise PaperPending("no_provider")
            kept = self._models.batches.store.text(key)
            if kept is not None and kept.body is None:
                raise PaperPending("in_batch")
            if again:
                kept = None
            entry = await self._buy(arxiv_id, identity, prompt_variables, available, kept)
            if not again or replaced is None:
                return entry
            if entry.failure:
                raise _failed(entry.failure)
            return _with_earlier(entry, replaced)

        entry, reused = await cache.get_or_compute(self._prompt.asset, identity, compute, is_usable)
        if not reused:
            self._models.batches.store.discard(key)
        if entry.failure:
            raise _failed(entry.failure)
        provenance = Provenance.of(entry)
        return Answer(
            output=self._output.model_validate(entry.value),
            provider=provenance.provider or "",
            model=provenance.model or "",
            created_at=entry.created_at,
            reused=reused or is_restored,
            faults=provenance.faults,
        )

    def identity(self, prompt_variables: Mapping[str, Any]) -> dict[str, str]:
        """What an answer is stored under in the cache, beside the prompt's asset."""
        return {
            "prompt_version": self._prompt.version,
            "input_hash": input_hash(**prompt_variables),
        }

    async def _buy(
        self,
        arxiv_id: str,
        identity: dict[str, str],
        prompt_variables: Sequence[Mapping[str, Any]],
        available: Sequence[str],
        kept: KeptText | None,
    ) -> CacheEntry:
        """Ask the models in order; the entry of the first answer, or of the final failure.

        An answer that a batch has `kept` comes first, as its model's reply. The last model gets the
        rest of `prompt_variables`, the last variables go to the rest of the models.
        """
        if kept is not None and kept.model in available:
            available = [kept.model, *(name for name in available if name != kept.model)]
        attempts: list[Attempt] = []
        last_model = len(available) - 1
        last_variables = len(prompt_variables) - 1
        for number in range(max(last_model, last_variables) + 1):
            name = available[min(number, last_model)]
            variables = prompt_variables[min(number, last_variables)]
            is_last = number >= last_variables
            is_kept = kept is not None and kept.model == name and number == 0
            question = self._question(variables, is_last, kept if is_kept else None)
            attempts.append(await self._attempt(arxiv_id, name, variables, question))
            best = question.best
            if best is not None:
                provenance = self._provenance(arxiv_id, available, attempts)
                provider, model = split_name(name)
                published = {"faults": best.faults, "repairs": best.repairs}
                provenance = provenance.model_copy(
                    update={"provider": provider, "model": model, **published}
                )
                return CacheEntry(
                    asset=self._prompt.asset,
                    identity=identity,
                    created_at=self._models.clock.now(),
                    value=best.output.model_dump(mode="json"),
                    provenance=provenance.as_json(),
                )
        return self._failure(arxiv_id, identity, available, attempts)

    def _failure(
        self,
        arxiv_id: str,
        identity: dict[str, str],
        available: Sequence[str],
        attempts: list[Attempt],
    ) -> CacheEntry:
        """The entry of a final failure. Raises PaperFailed for one that may pass."""
        now = self._models.clock.now()
        provenance = self._provenance(arxiv_id, available, attempts).as_json()
        folder = self._models.attempts / str(now.date())
        path = folder / f"{arxiv_id}.{self._prompt.asset}.{now:%H%M%S%f}.json"
        storage.write(path, json.dumps(provenance, ensure_ascii=False, indent=1).encode() + b"\n")
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

    def _provenance(
        self,
        arxiv_id: str,
        available: Sequence[str],
        attempts: Sequence[Attempt],
    ) -> Provenance:
        prices = [attempt.usd for attempt in attempts if attempt.usd is not None]
        return Provenance(
            models=tuple(available),
            arxiv_id=arxiv_id,
            prompt=self._prompt.name,
            prompt_version=self._prompt.version,
            input_tokens=sum(attempt.input_tokens for attempt in attempts),
            output_tokens=sum(attempt.output_tokens for attempt in attempts),
            usd=sum(prices) if prices else None,
            attempts=tuple(attempts),
        )

    def _question(
        self, prompt_variables: Mapping[str, Any], is_last: bool, kept: KeptText | None = None
    ) -> "_Question":
        sent = self._prompt.messages(**prompt_variables)
        characters = len(sent.system) + len(sent.user)
        return _Question(
            lambda output: self._judge(output, prompt_variables),
            self._repair,
            is_last,
            most_tokens=estimated_tokens(characters) + self._prompt.max_tokens,
            kept=kept,
        )

    async def _attempt(
        self,
        arxiv_id: str,
        name: str,
        prompt_variables: Mapping[str, Any],
        question: "_Question",
    ) -> Attempt:
        """Ask one model, with corrections. Its answer is the question's `best`, if it has one.

        Whatever ends the corrections, an answer without fatal faults is not lost, and whatever goes
        wrong, the next model can be asked.
        """
        from pydantic_ai import capture_run_messages
        from pydantic_ai.exceptions import (
            AgentRunError,
            ContentFilterError,
            UnexpectedModelBehavior,
        )

        sent = self._prompt.messages(**prompt_variables)
        result: AttemptResult = "error"
        detail: str | None = None
        with capture_run_messages() as messages:
            try:
                model = _metered(self, name, arxiv_id, question)
                await self._agent(name).run(
                    sent.user, instructions=sent.system, model=model, deps=question
                )
            except PaperPending as pending:
                if question.best is None:
                    raise
                detail = str(pending)
            except (_Closed, ProviderPaused) as closed:
                result, detail = "closed", str(closed)
            except ContentFilterError as error:
                result, detail = "refused", _line(error)
            except _CutOff:
                result = "unusable"
                detail = f"the answer was cut off at {self._prompt.max_tokens} tokens"
            except _AskNext:
                result, detail = "unusable", "nothing found: the next model is shown more"
            except UnexpectedModelBehavior as error:
                # Without a response, something else answered for the model, such as a proxy.
                result = "unusable" if question.spent.calls else "error"
                faults = question.verdicts[-1].faults if question.verdicts else ()
                detail = " ".join(fault.message for fault in faults) or _line(error)
            except (AgentRunError, _NotReadable) as error:
                detail = _line(error)
            except Exception as error:
                logger.exception("%s: %s about %s", self._prompt.asset, name, arxiv_id)
                detail = _named(error)
        spent = question.spent
        return Attempt(
            model=name,
            result="answered" if question.best else result,
            detail=detail,
            messages=conversation(sent.system, messages),
            verdicts=tuple(question.verdicts),
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            usd=spent.usd if spent.calls > spent.unpriced_calls else None,
        )

    def connection(self, name: str) -> Connection:
        """The connection to a model, opened for its first question and closed with the chain."""
        if name not in self._connections:
            access = self._models.access[split_name(name)[0]]
            connection = connect(name, access, self._models.timeout_seconds)
            self._stack.push_async_callback(connection.close)
            self._connections[name] = connection
        return self._connections[name]

    def batch_provider(self, name: str) -> BatchProvider:
        """The batches of a model, connected likewise."""
        if name not in self._batch_providers:
            access = self._models.access[split_name(name)[0]]
            provider = connect_batches(name, access, self._models.timeout_seconds)
            self._stack.push_async_callback(provider.close)
            self._batch_providers[name] = provider
        return self._batch_providers[name]

    async def first_request(
        self, name: str, key: str, prompt_variables: Mapping[str, Any]
    ) -> "BatchRequest":
        """The first request to a model about these variables, for a batch. It is not sent."""
        from papers_pipeline.llm.batch_requests import first_request

        sent = self._prompt.messages(**prompt_variables)
        question = self._question(prompt_variables, is_last=True)

        async def run(model: "Model") -> object:
            return await self._agent(name).run(
                sent.user, instructions=sent.system, model=model, deps=question
            )

        return await first_request(key, self.batch_provider(name).model, run)

    def take_kept(self, name: str, question: "_Question", *asked: Any) -> "ModelResponse | None":
        """The answer that a batch has kept, as the reply to what was `asked`; None the next time.

        It is in the ledger already, since it was collected.
        """
        from papers_pipeline.llm.batch_requests import reply

        kept, question.kept = question.kept, None
        if kept is None or kept.body is None:
            return None
        response = reply(self.batch_provider(name).model, kept.body, *asked)
        usage = response.usage
        usd = batch_usd(response, name, self._models.assumed_price)
        self._count(question, usage.input_tokens, usage.output_tokens, usd)
        if response.finish_reason == "length":
            raise _CutOff
        return response

    def _agent(self, name: str) -> "Agent[_Question, Output]":
        from pydantic_ai import Agent, ModelRetry, RunContext

        if name not in self._agents:
            connection = self.connection(name)
            agent: Agent[_Question, Output] = Agent(
                connection.model,
                deps_type=_Question,
                output_type=connection.structured(self._output),
                retries={"output": CORRECTIONS},
                model_settings=_settings(self._prompt),
            )

            @agent.output_validator
            def check(context: RunContext[_Question], output: Output) -> Output:
                correction = context.deps.correction(output)
                if correction:
                    raise ModelRetry(correction)
                return output

            self._agents[name] = agent
        return self._agents[name]

    async def send(
        self, name: str, arxiv_id: str, question: "_Question", model: "Model", *asked: Any
    ) -> "ModelResponse":
        """Send one request within the limits, and enter it into the ledger.

        It is repeated after a rate limit, a server error or a broken connection; only once if the
        provider may have answered, as after a timeout. The pause after a rate limit is waited for
        with all other requests to the provider.
        """
        from pydantic_ai.exceptions import (
            ModelConnectionError,
            ModelRateLimitError,
            ModelServerError,
            ModelUnavailableError,
        )

        refusals = failures = unanswered = 0
        while True:
            try:
                response = await self._in_turn(name, arxiv_id, question, model, *asked)
                break
            except ModelRateLimitError as error:
                refusals += 1
                pause = error.retry_after or 0.0
                if refusals == TRIES_WHEN_REFUSED or pause > LONGEST_WAITED_PAUSE_SECONDS:
                    raise
            except (ModelServerError, ModelUnavailableError, ModelConnectionError) as error:
                failures += 1
                unanswered += not _is_free(error)
                pause = error.retry_after or self._models.backoff_seconds * 2 ** (failures - 1)
                if failures == TRIES or unanswered == TRIES_WHEN_SENT:
                    raise
                if pause > LONGEST_WAITED_PAUSE_SECONDS:
                    raise
                await asyncio.sleep(pause)
        # Not left to validation: half an answer may be valid, and a correction of an invalid one
        # would be cut off again.
        if response.finish_reason == "length":
            raise _CutOff
        return response

    async def _in_turn(
        self, name: str, arxiv_id: str, question: "_Question", model: "Model", *asked: Any
    ) -> "ModelResponse":
        """Send one request when its turn has come. It is in the ledger before it is sent."""
        from pydantic_ai.exceptions import AgentRunError

        models = self._models
        provider = split_name(name)[0]
        messages = asked[0]
        async with models.turns.after_first_answer(provider):
            self._require_open(name)
            async with models.turns.turn(provider, question.most_tokens, self._note) as turn:
                # Once more: others may have closed it while this one waited.
                self._require_open(name)
                self._begin_to_preload()
                call = await self._entered(name, arxiv_id, messages)
                try:
                    response = await model.request(*asked)
                except AgentRunError as error:
                    await self._unanswered(name, call, turn, error)
                    raise
                except Exception as error:  # an SDK stumbled over what came
                    raise _NotReadable(f"no readable answer ({_named(error)})") from error
                # Before anything is awaited: a cancelled run has to pay as well.
                spending = _settled(call, response, messages, models.assumed_price)
                models.settle(spending)
                self._count(question, spending.input_tokens, spending.output_tokens, spending.usd)
                models.turns.has_answered(provider)
                await turn.used(spending.input_tokens + spending.output_tokens)
                return response

    def _require_open(self, name: str) -> None:
        reason = self._models.why_closed(name)
        if reason:
            raise _Closed(reason)

    def _begin_to_preload(self) -> None:
        if self._preloads:
            preload(*self._preloads)
            self._preloads = ()

    async def _entered(
        self, name: str, arxiv_id: str, messages: "Sequence[ModelMessage]"
    ) -> Spending:
        """Enter a request into the ledger once the budget has room for it; its line there.

        Raises PaperPending if the budget has no room, even if what is under way costs nothing.
        """
        models = self._models
        is_noted = False
        while True:
            call = models.unsettled(
                name,
                messages,
                self._prompt.max_tokens,
                asset=self._prompt.asset,
                arxiv_id=arxiv_id,
                day=self._day,
                prompt_version=self._prompt.version,
            )
            room = await asyncio.to_thread(
                models.ledger.reserve, call, models.daily_budget_usd, models.timeout_seconds
            )
            if room == "reserved":
                return call
            if room == "none":
                raise PaperPending("budget")
            if not is_noted:
                self._note("waiting for the budget: calls under way may take what is left of it")
                is_noted = True
            await asyncio.sleep(POLL_SECONDS)

    async def _unanswered(self, name: str, call: Spending, turn: Turn, error: Exception) -> None:
        """Settle a request that was turned away, and close or pause what turned it away.

        A request that may have been paid for stays unsettled.
        """
        from pydantic_ai.exceptions import (
            ModelAuthenticationError,
            ModelNotFoundError,
            ModelQuotaExceededError,
            ModelRateLimitError,
        )

        models = self._models
        if _is_free(error):
            models.settle(call.refused())
        if isinstance(error, (ModelAuthenticationError, ModelQuotaExceededError)):
            models.closed[split_name(name)[0]] = _line(error)
        elif isinstance(error, ModelNotFoundError):
            models.closed[name] = _line(error)
        elif isinstance(error, ModelRateLimitError):
            await turn.refused(error.retry_after)

    def _count(
        self, question: "_Question", input_tokens: int, output_tokens: int, usd: float | None
    ) -> None:
        """Add one answer to what was spent."""
        for spent in (self.spent, question.spent):
            spent.calls += 1
            spent.input_tokens += input_tokens
            spent.output_tokens += output_tokens
            spent.usd += usd or 0.0
            spent.unpriced_calls += usd is None


def is_valid(entry: CacheEntry, available: Sequence[str]) -> bool:
    """Whether an entry can be used: an answer always, a failure if it tried all these models."""
    if entry.value is not None:
        return True
    return set(available) <= set(Provenance.of(entry).models)


def _failed(failure: CachedFailure) -> PaperFailed:
    return PaperFailed(failure.reason, failure.detail, retryable=False, attempts=failure.attempts)


@dataclass(frozen=True)
class _Publishable:
    """A reply without fatal faults, as it was repaired."""

    output: BaseModel
    faults: tuple[Fault, ...]
    repairs: tuple[str, ...]

    @property
    def shortcomings(self) -> tuple[int, int]:
        """The less the better: what is unverified counts more than style."""
        unverified = len(of_severity(self.faults, "unverified"))
        return unverified, len(self.faults) - unverified


@dataclass
class _Question:
    """One question to one model, with the verdicts on its replies and what they cost."""

    judge: Callable[[Any], Verdict]
    repair: Callable[[Any], tuple[Any, Sequence[str]]]
    is_last: bool
    """Whether no further prompt variables are left for the next model."""
    most_tokens: int = 0
    """An estimate from above, which counts until the provider has counted."""
    kept: KeptText | None = None
    """The answer of a batch that takes the place of the first request."""
    verdicts: list[KeptVerdict] = field(default_factory=list)
    best: _Publishable | None = None
    """The best reply so far that can be published."""
    spent: Spent = field(default_factory=Spent)

    def correction(self, reply: BaseModel) -> str | None:
        """Judge a reply. What to send back; None if the reply is good enough.

        Faults of style are sent back once, alone or with others, all other faults always. Raises
        _AskNext if the reply is valid but empty and the next model is given more text.
        """
        output, repairs = self.repair(reply)
        verdict = self.judge(output)
        was_sent_style = any(of_severity(earlier.faults, "style") for earlier in self.verdicts)
        self.verdicts.append(KeptVerdict(faults=verdict.faults, warnings=verdict.warnings))
        is_for_next = verdict.is_empty and not self.is_last
        if not of_severity(verdict.faults, "fatal") and not is_for_next:
            self._keep_if_best(_Publishable(output, verdict.faults, tuple(repairs)))
        if of_severity(verdict.faults, "fatal", "unverified") or (
            verdict.faults and not was_sent_style
        ):
            return "\n".join(fault.message for fault in verdict.faults)
        if is_for_next:
            raise _AskNext
        return None

    def _keep_if_best(self, reply: _Publishable) -> None:
        """Of two equal replies, the later one saw more corrections."""
        if self.best is None or reply.shortcomings <= self.best.shortcomings:
            self.best = reply


class _Closed(Exception):
    """The provider was closed earlier in this process."""


class _NotReadable(Exception):
    """What came is no answer that the provider's SDK can read."""


class _CutOff(Exception):
    """The answer reached the token limit."""


class _AskNext(Exception):
    """The answer is valid but empty, and the next model is given more text."""


def _settings(prompt: Prompt) -> "ModelSettings":
    from pydantic_ai.settings import ModelSettings

    # Short texts need no thinking, which costs money and counts towards max_tokens. An announcement
    # would put 120 English words before a prompt in Russian or Chinese.
    settings = ModelSettings(
        max_tokens=prompt.max_tokens, thinking=False, framing_announcement="never"
    )
    if prompt.temperature is not None:
        settings["temperature"] = prompt.temperature
    return settings


def _metered(chain: "Chain[Any]", name: str, arxiv_id: str, question: _Question) -> "Model":
    """The model, with every request of one question sent through the chain."""
    from pydantic_ai.models.wrapper import WrapperModel

    class Metered(WrapperModel):
        async def request(self, *args: Any) -> "ModelResponse":
            kept = chain.take_kept(name, question, *args)
            if kept is not None:
                return kept
            return await chain.send(name, arxiv_id, question, self.wrapped, *args)

    return Metered(chain.connection(name).model)


def _settled(
    call: Spending,
    response: "ModelResponse",
    messages: "Sequence[ModelMessage]",
    assumed_price: float | None,
) -> Spending:
    """The line that settles a call: what the answer to these messages cost."""
    tokens, is_estimated = counted_tokens(response, messages)
    usd = None if is_estimated else _known_usd(response)
    if usd is None:
        usd = price(f"{call.provider}:{call.model}", tokens, assumed_price)
    state: CallState = "estimated" if is_estimated else "settled"
    return call.model_copy(update=asdict(tokens) | {"usd": usd, "state": state})


def _known_usd(response: "ModelResponse") -> float | None:
    """The price by the response, which also knows its service tier, and audio and other tokens with
    own prices; None if that is unknown."""
    try:
        return float(response.cost().total_price)
    except (LookupError, ValueError):
        return None


def _is_free(error: Exception) -> bool:
    """Whether a request certainly costs nothing: it was not sent, or the provider turned it away.

    After a timeout, or if the answer broke off, the provider may have written it all.
    """
    from pydantic_ai.exceptions import ModelConnectionError, ModelHTTPError

    if isinstance(error, ModelConnectionError):
        return error.phase in ("pool", "connect")
    if isinstance(error, ModelHTTPError):
        return not error.in_stream and error.status_code not in (408, 504)
    return False


def _line(error: Exception, most: int = 300) -> str:
    return excerpt(str(error), most)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {_line(error)}"


def _with_earlier(entry: CacheEntry, replaced: CacheEntry) -> CacheEntry:
    """The entry with the answer it replaces, and those that one replaced, in its provenance."""
    provenance = Provenance.of(replaced)
    without_earlier = provenance.model_copy(update={"earlier": ()}).as_json()
    last = replaced.model_copy(update={"provenance": without_earlier})
    earlier = (*provenance.earlier, last)
    new = Provenance.of(entry).model_copy(update={"earlier": earlier})
    return entry.model_copy(update={"provenance": new.as_json()})
