"""A model as a judge of summaries: blind comparisons in pairs, and a fact check of each sentence.

Questions go through the same chain as all others: they are cached, limited, budgeted, and in the
ledger, as `eval_pairs` and `eval_support`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from papers_pipeline.base.per_paper import Progress, per_paper
from papers_pipeline.enrichment.sentences import split_sentences
from papers_pipeline.evaluation.answers import Answered
from papers_pipeline.llm.chain import open_chain
from papers_pipeline.llm.conversation import is_valid
from papers_pipeline.llm.estimates import CHARACTERS_A_TOKEN
from papers_pipeline.llm.models import Models
from papers_pipeline.llm.prices import CallTokens, price
from papers_pipeline.llm.spent import Spent
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import Prompt, input_hash, load_prompt

PROMPTS = Path(__file__).parent / "prompts"
ANSWER_TOKENS = 80
"""The assumed size of a judge's answer."""

Winner = Literal["ours", "theirs", "tie"]
Output = TypeVar("Output", bound=BaseModel)


class Preference(BaseModel):
    """The judge's answer about a pair of texts."""

    reason: str
    better: Literal["first", "second", "equal"]


class Support(BaseModel):
    """The judge's answer about a sentence."""

    unsupported: str
    supported: bool


@dataclass(frozen=True)
class Question(Generic[Output]):
    """One question to a judge about a paper."""

    prompt: Prompt
    output: type[Output]
    arxiv_id: str
    variables: Mapping[str, Any]

    @property
    def identity(self) -> dict[str, str]:
        """What its answer is stored under."""
        return {
            "prompt_version": self.prompt.version,
            "input_hash": input_hash(**self.variables),
        }


@dataclass(frozen=True)
class Pair:
    """Two texts about one paper: the question in both orders."""

    arxiv_id: str
    ours_first: Question[Preference]
    theirs_first: Question[Preference]


@dataclass(frozen=True)
class Unsupported:
    """A sentence that the abstract does not support, and the words that are to blame."""

    arxiv_id: str
    sentence: str
    words: str


@dataclass
class PairFigures:
    """The outcome of the comparisons.

    A text wins if it is better in both orders. `first` counts the answers that prefer the text that
    stands first, and `split` the pairs in which the order decided: both measure the judge's bias.
    """

    pairs: int = 0
    ours: int = 0
    theirs: int = 0
    tie: int = 0
    answers: int = 0
    first: int = 0
    second: int = 0
    split: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, arxiv_id: str, ours_first: Preference, theirs_first: Preference) -> None:
        """Count a pair that was judged in both orders."""
        self.pairs += 1
        self.answers += 2
        for preference in (ours_first, theirs_first):
            self.first += preference.better == "first"
            self.second += preference.better == "second"
        winner = winner_of(ours_first, theirs_first)
        if winner == "tie":
            self.tie += 1
            self.split += ours_first.better == theirs_first.better != "equal"
            return
        self.ours += winner == "ours"
        self.theirs += winner == "theirs"
        self.reasons[arxiv_id] = f"{winner}: {ours_first.reason}"


@dataclass
class SupportFigures:
    """How many sentences of one side the abstracts support, and those that they do not."""

    sentences: int = 0
    supported: int = 0
    unsupported: list[Unsupported] = field(default_factory=list)

    @property
    def share(self) -> float | None:
        """The supported share; None without sentences."""
        return self.supported / self.sentences if self.sentences else None

    def add(self, question: Question[Support], support: Support) -> None:
        """Count a sentence."""
        self.sentences += 1
        if support.supported:
            self.supported += 1
            return
        sentence = question.variables["sentence"]
        self.unsupported.append(Unsupported(question.arxiv_id, sentence, support.unsupported))


@dataclass
class Judgement:
    """What a judge found. `theirs` and `pairs` are None if there is nothing to compare with.

    `unjudged` names the questions without an answer, each with the reason.
    """

    model: str
    ours: SupportFigures = field(default_factory=SupportFigures)
    theirs: SupportFigures | None = None
    pairs: PairFigures | None = None
    unjudged: Counter[str] = field(default_factory=Counter)
    spent: list[Spent] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The judgement as a JSON object."""
        fields = asdict(self)
        fields["ours"]["share"] = self.ours.share
        if self.theirs is not None:
            fields["theirs"]["share"] = self.theirs.share
        return fields


@dataclass(frozen=True)
class Questions:
    """Everything that a judge is to be asked."""

    model: str
    ours: Sequence[Question[Support]]
    theirs: Sequence[Question[Support]] | None
    pairs: Sequence[Pair] | None

    @property
    def every(self) -> list[Question[Any]]:
        """All questions, equal ones once: both sides may have the same sentence."""
        questions: list[Question[Any]] = [*self.ours, *(self.theirs or ())]
        for pair in self.pairs or ():
            questions += [pair.ours_first, pair.theirs_first]
        return list({_key(question): question for question in questions}.values())

    def cost(self, models: Models) -> tuple[int, float | None]:
        """The calls that no purchase answers, and their USD; None if a price is unknown."""
        calls = 0
        usd: float | None = 0.0
        for question in self.every:
            if _is_cached(models, question):
                continue
            calls += 1
            sent = question.prompt.messages(**question.variables)
            characters = len(sent.system) + len(sent.user)
            tokens = CallTokens(round(characters / CHARACTERS_A_TOKEN), ANSWER_TOKENS)
            call = price(self.model, tokens, models.assumed_price)
            usd = None if usd is None or call is None else usd + call
        return calls, usd


def judge_prompts(model: str) -> tuple[Prompt, Prompt]:
    """The prompts for pairs and for sentences, to be asked of one model.

    Raises PromptError for a malformed name of a model.
    """
    pairs = load_prompt(PROMPTS / "eval_pairs.md", model=model)
    support = load_prompt(PROMPTS / "eval_support.md", model=model)
    return pairs, support


def questions_about(
    language: str, model: str, ours: Sequence[Answered], theirs: Sequence[Answered] | None = None
) -> Questions:
    """The questions about summaries in a language (ISO 639-1).

    With `theirs`, only papers that both sides have are judged.
    """
    pairs_prompt, support_prompt = judge_prompts(model)
    if theirs is None:
        return Questions(model, _support_questions(support_prompt, language, ours), None, None)
    others = {answer.arxiv_id: answer for answer in theirs}
    shared = [answer for answer in ours if answer.arxiv_id in others]
    facing = [others[answer.arxiv_id] for answer in shared]
    pairs = []
    for our, their in zip(shared, facing, strict=True):
        first, second = shown(our), shown(their)
        # Texts without a title on one side are compared without both.
        if "title" in our.absent | their.absent:
            first, second = our.output.text, their.output.text
        pairs.append(
            Pair(
                our.arxiv_id,
                _pair_question(pairs_prompt, our, first, second),
                _pair_question(pairs_prompt, our, second, first),
            )
        )
    return Questions(
        model,
        _support_questions(support_prompt, language, shared),
        _support_questions(support_prompt, language, facing),
        pairs,
    )


def shown(answer: Answered) -> str:
    """A summary as its readers see it: the title, and the text below it."""
    return f"{answer.output.title}\n{answer.output.text}".strip()


def winner_of(ours_first: Preference, theirs_first: Preference) -> Winner:
    """The side that is better in both orders, else a tie."""
    if (ours_first.better, theirs_first.better) == ("first", "second"):
        return "ours"
    if (ours_first.better, theirs_first.better) == ("second", "first"):
        return "theirs"
    return "tie"


async def judge(
    questions: Questions, *, models: Models, concurrency: int, progress: Progress
) -> Judgement:
    """Ask all questions, and sum up the answers."""
    result = Judgement(questions.model)
    answers: dict[tuple[str, str], Any] = {}
    by_prompt: dict[str, list[Question[Any]]] = {}
    for question in questions.every:
        by_prompt.setdefault(question.prompt.name, []).append(question)
    for asked in by_prompt.values():
        answers |= await _ask(asked, result, models, concurrency, progress)
    _sum_up_support(result.ours, questions.ours, answers)
    if questions.theirs is not None:
        result.theirs = SupportFigures()
        _sum_up_support(result.theirs, questions.theirs, answers)
    if questions.pairs is not None:
        result.pairs = PairFigures()
        for pair in questions.pairs:
            one = answers.get(_key(pair.ours_first))
            other = answers.get(_key(pair.theirs_first))
            if one is not None and other is not None:
                result.pairs.add(pair.arxiv_id, one, other)
    return result


async def _ask(
    questions: Sequence[Question[Any]],
    result: Judgement,
    models: Models,
    concurrency: int,
    progress: Progress,
) -> dict[tuple[str, str], Any]:
    """The answers to questions of one prompt, by their keys; without those that have none."""
    # A progress line needs a name for each question, and a paper has several.
    named: dict[str, Question[Any]] = {}
    for number, question in enumerate(questions, 1):
        named[f"{question.arxiv_id} {number}"] = question
    prompt, output = questions[0].prompt, questions[0].output

    async with open_chain(models, prompt, output, _accept, note=progress.note) as chain:

        async def work(name: str) -> tuple[Any, bool]:
            question = named[name]
            answer = await chain.ask(question.arxiv_id, question.variables)
            return answer.output, answer.reused

        outcomes, _ = await per_paper(
            prompt.asset, list(named), work, concurrency=concurrency, progress=progress
        )
    result.spent.append(chain.spent)
    answers = {}
    for outcome in outcomes:
        if outcome.state == "done":
            answers[_key(named[outcome.arxiv_id])] = outcome.value
        else:
            result.unjudged[outcome.reason or "error"] += 1
    return answers


def _accept(output: BaseModel, variables: Mapping[str, Any]) -> Verdict:
    """Any answer that fits the schema is good: the judge is not judged."""
    return Verdict()


def _key(question: Question[Any]) -> tuple[str, str]:
    return question.prompt.version, question.identity["input_hash"]


def _is_cached(models: Models, question: Question[Any]) -> bool:
    entry = models.purchases.get(question.prompt.asset, question.identity)
    return entry is not None and is_valid(entry, models.configured(question.prompt))


def _sum_up_support(
    figures: SupportFigures,
    questions: Sequence[Question[Support]],
    answers: Mapping[tuple[str, str], Any],
) -> None:
    for question in questions:
        support = answers.get(_key(question))
        if support is not None:
            figures.add(question, support)


def _support_questions(
    prompt: Prompt, language: str, answers: Sequence[Answered]
) -> list[Question[Support]]:
    """A question about each sentence, the title's among them."""
    questions = []
    for answer in answers:
        sentences = split_sentences(language.split("-")[0], answer.output.text)
        if answer.output.title:
            sentences.insert(0, answer.output.title)
        for sentence in sentences:
            variables = {**answer.variables, "sentence": sentence}
            questions.append(Question(prompt, Support, answer.arxiv_id, variables))
    return questions


def _pair_question(
    prompt: Prompt, answer: Answered, first: str, second: str
) -> Question[Preference]:
    variables = {**answer.variables, "first": first, "second": second}
    return Question(prompt, Preference, answer.arxiv_id, variables)
