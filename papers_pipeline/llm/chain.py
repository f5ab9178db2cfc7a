"""Chains of models: a prompt's models are asked in order until an answer passes the guardrails.

No answer is bought twice. An answer with faults is sent back. The next model is asked after an
error, a refusal, an answer that is cut off, or one that still has a fatal fault. An answer with
other faults is kept meanwhile: it is published if the corrections give no better one. A provider
that answers 401, 403 or "no credit" is closed for the rest of the process after one call. Every
call goes to the ledger; messages, replies and verdicts are stored with the answer. If a batch has
answered already, its answer takes the place of the first request.
"""

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic

from papers_pipeline.base.faults import Fault
from papers_pipeline.base.loaded_once import LoadedOnce
from papers_pipeline.base.notes import Note
from papers_pipeline.base.per_paper import PaperFailed, PaperPending
from papers_pipeline.llm.batch_providers import BatchProvider, connect_batches
from papers_pipeline.llm.batch_store import KeptText
from papers_pipeline.llm.batches import batch_usd
from papers_pipeline.llm.conversation import (
    Attempt,
    AttemptResult,
    Provenance,
    conversation,
    is_valid,
)
from papers_pipeline.llm.errors import Closed, CutOff, NotReadable, named, one_line
from papers_pipeline.llm.estimates import estimated_tokens
from papers_pipeline.llm.models import Models
from papers_pipeline.llm.providers import Connection, connect
from papers_pipeline.llm.question import AskNext, Judge, Output, Question, Repair
from papers_pipeline.llm.sender import Sender
from papers_pipeline.llm.spent import Spent
from papers_pipeline.llm.turns import ProviderPaused
from papers_pipeline.prompts.model_names import split_name
from papers_pipeline.prompts.prompt import Prompt, input_hash
from papers_pipeline.store import files as storage
from papers_pipeline.store.purchases import FinalFailure, Purchase

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.models import Model
    from pydantic_ai.models.batch import BatchRequest
    from pydantic_ai.settings import ModelSettings

logger = logging.getLogger(__name__)

CORRECTIONS = 2


@dataclass(frozen=True)
class Answer(Generic[Output]):
    """A model's answer about a paper; `reused` if it was bought before.

    `faults` are those that it still has. None of them is fatal.
    """

    output: Output
    provider: str
    model: str
    created_at: datetime
    reused: bool
    faults: tuple[Fault, ...] = ()


@asynccontextmanager
async def open_chain(
    models: Models,
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
    models.require_prices(models.configured(prompt))
    sender = Sender(models, prompt, day, note, preloads)
    async with AsyncExitStack() as stack:
        yield Chain(models, prompt, output, judge, repair, sender, stack)


class Chain(Generic[Output]):
    """The models of one prompt, tried in order."""

    def __init__(
        self,
        models: Models,
        prompt: Prompt,
        output: type[Output],
        judge: Judge[Output],
        repair: Repair[Output],
        sender: Sender,
        stack: AsyncExitStack,
    ) -> None:
        self.sender = sender
        self._models = models
        self._prompt = prompt
        self._output = output
        self._judge = judge
        self._repair = repair
        self._stack = stack
        self._connections: dict[str, Connection] = {}
        self._agents: dict[str, Agent[Question, Output]] = {}
        self._batch_providers: dict[str, BatchProvider] = {}

    @property
    def spent(self) -> Spent:
        """What its questions have cost so far."""
        return self.sender.spent

    async def ask(
        self,
        arxiv_id: str,
        *prompt_variables: Mapping[str, Any],
        again: bool = False,
        kept_elsewhere: Callable[[], Purchase | None] = lambda: None,
    ) -> Answer[Output]:
        """The answer about one paper, bought before or else from `kept_elsewhere`, unless `again`.

        `prompt_variables` fill the template. If several are given, the first model gets the
        first, the next model the next; only the first are part of the key. Raises
        PaperPending if no provider is configured or a batch has the question, and PaperFailed if no
        model gave an answer. A new failure never replaces an answer.
        """
        purchases = self._models.purchases
        key = purchases.key(self._prompt.asset, self.identity(prompt_variables[0]))
        available = self._models.configured(self._prompt)
        identity = self.identity(prompt_variables[0])
        stored = None
        if again:
            stored = purchases.get(self._prompt.asset, identity) or kept_elsewhere()
        replaced = stored if stored is not None and stored.value is not None else None
        is_restored = False

        def is_usable(entry: Purchase) -> bool:
            if again or not available:
                return not again and entry.value is not None
            return is_valid(entry, available)

        async def compute() -> Purchase:
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

        entry, reused = await purchases.get_or_compute(
            self._prompt.asset, identity, compute, is_usable, self.sender.note
        )
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
        """What an answer is stored under, beside the prompt's asset."""
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
    ) -> Purchase:
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
            question.key = self._models.purchases.key(self._prompt.asset, identity)
            attempts.append(await self._attempt(arxiv_id, name, variables, question))
            best = question.best
            if best is not None:
                provenance = self._provenance(arxiv_id, available, attempts)
                provider, model = split_name(name)
                published = {"faults": best.faults, "repairs": best.repairs}
                provenance = provenance.model_copy(
                    update={"provider": provider, "model": model, **published}
                )
                return Purchase(
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
    ) -> Purchase:
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
        failure = FinalFailure(
            stage=self._prompt.asset, reason=reason, detail=detail, attempts=len(attempts)
        )
        entry = self._models.purchases.final_failure(self._prompt.asset, identity, failure)
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
    ) -> "Question":
        sent = self._prompt.messages(**prompt_variables)
        characters = len(sent.system) + len(sent.user)
        return Question(
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
        question: "Question",
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
            except (PaperPending, OSError) as error:
                # No room in the budget, or the ledger cannot be written: no other model helps.
                if question.best is None:
                    raise
                detail = str(error)
            except (Closed, ProviderPaused) as closed:
                result, detail = "closed", str(closed)
            except ContentFilterError as error:
                result, detail = "refused", one_line(error)
            except CutOff:
                result = "unusable"
                detail = f"the answer was cut off at {self._prompt.max_tokens} tokens"
            except AskNext:
                result, detail = "unusable", "nothing found: the next model is shown more"
            except UnexpectedModelBehavior as error:
                # Without a response, something else answered for the model, such as a proxy.
                result = "unusable" if question.spent.calls else "error"
                faults = question.verdicts[-1].faults if question.verdicts else ()
                detail = " ".join(fault.message for fault in faults) or one_line(error)
            except (AgentRunError, NotReadable) as error:
                detail = one_line(error)
            except Exception as error:
                logger.exception("%s: %s about %s", self._prompt.asset, name, arxiv_id)
                detail = named(error)
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

    def take_kept(self, name: str, question: "Question", *asked: Any) -> "ModelResponse | None":
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
        self.sender.count(question, usage.input_tokens, usage.output_tokens, usd)
        if response.finish_reason == "length":
            raise CutOff
        return response

    def _agent(self, name: str) -> "Agent[Question, Output]":
        from pydantic_ai import Agent, ModelRetry, RunContext

        if name not in self._agents:
            connection = self.connection(name)
            agent: Agent[Question, Output] = Agent(
                connection.model,
                deps_type=Question,
                output_type=connection.structured(self._output),
                retries={"output": CORRECTIONS},
                model_settings=_settings(self._prompt),
            )

            @agent.output_validator
            def check(context: RunContext[Question], output: Output) -> Output:
                correction = context.deps.correction(output)
                if correction:
                    raise ModelRetry(correction)
                return output

            self._agents[name] = agent
        return self._agents[name]


def _failed(failure: FinalFailure) -> PaperFailed:
    return PaperFailed(failure.reason, failure.detail, retryable=False, attempts=failure.attempts)


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


def _metered(chain: "Chain[Any]", name: str, arxiv_id: str, question: Question) -> "Model":
    """The model, with every request of one question sent through the chain."""
    from pydantic_ai.models.wrapper import WrapperModel

    class Metered(WrapperModel):
        async def request(self, *args: Any) -> "ModelResponse":
            kept = chain.take_kept(name, question, *args)
            if kept is not None:
                return kept
            return await chain.sender.send(name, arxiv_id, question, self.wrapped, *args)

    return Metered(chain.connection(name).model)


def _with_earlier(entry: Purchase, replaced: Purchase) -> Purchase:
    """The entry with the answer it replaces, and those that one replaced, in its provenance."""
    provenance = Provenance.of(replaced)
    without_earlier = provenance.model_copy(update={"earlier": ()}).as_json()
    last = replaced.model_copy(update={"provenance": without_earlier})
    earlier = (*provenance.earlier, last)
    new = Provenance.of(entry).model_copy(update={"earlier": earlier})
    return entry.model_copy(update={"provenance": new.as_json()})
