"""Measures summaries by rules, without a model: are they true to the abstract, and well written?"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from papers_pipeline.base.characters import graphemes
from papers_pipeline.base.faults import Fault
from papers_pipeline.enrichment.sentences import split_sentences
from papers_pipeline.enrichment.stages.summaries import SummaryStage
from papers_pipeline.evaluation.answers import Answered
from papers_pipeline.evaluation.fault_counts import FaultCounts
from papers_pipeline.evaluation.headlines import (
    has_name,
    has_number,
    headline_numbers,
    method_name,
)
from papers_pipeline.evaluation.report import Figure, Report, middle, share
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.glossary import Term

MAY_LACK = ("title", "emoji")
"""Fields that an answer in a file may do without: other digests write texts alone."""
NOTHING = {"title": "", "abstract": ""}
"""A source without words: measured against it, every number and name of a text is unknown."""


@dataclass
class _Sums:
    """Counts over the answers so far."""

    faults: FaultCounts = field(default_factory=FaultCounts)
    with_calque: int = 0
    with_banned_phrase: int = 0
    with_headline: int = 0
    headlines: int = 0
    with_method: int = 0
    methods: int = 0
    title_characters: list[int] = field(default_factory=list)
    text_characters: list[int] = field(default_factory=list)
    sentences: list[int] = field(default_factory=list)


def evaluate_summaries(stage: SummaryStage, answers: Sequence[Answered], source: str) -> Report:
    """The report on summaries in the language of the stage.

    Faults are those of the stage's own guardrails, after its own repairs. What they say about
    fields that a file left out does not count.
    """
    report = Report(source)
    sums = _Sums()
    for given in answers:
        output, repairs = stage.repair(given.output)
        answer = replace(given, output=output)
        faults = _faults(stage.judge(answer.output, answer.variables), answer)
        if faults:
            report.faults[answer.arxiv_id] = faults
        sums.faults.add(faults, stage.judge(answer.output, NOTHING).faults, repairs)
        _add_phrases(sums, faults, stage.prompt.glossary)
        _add_recall(sums, answer)
        _add_sizes(sums, stage.language, answer)
    report.figures = _figures(sums)
    return report


def _faults(verdict: Verdict, answer: Answered) -> list[Fault]:
    """The faults of a verdict without those of absent fields."""
    faults = []
    for fault in verdict.faults:
        absent = [name for name in answer.absent if fault.message.startswith(f"The {name} ")]
        if not absent and fault.rule not in answer.absent:
            faults.append(fault)
    return faults


def _add_phrases(sums: _Sums, faults: Sequence[Fault], glossary: Sequence[Term]) -> None:
    """Count a text that breaks a rule of the glossary: once for its terms, once for its bans."""
    rules = {fault.rule for fault in faults}
    sums.with_calque += bool(rules & {term.rule for term in glossary if term.term})
    sums.with_banned_phrase += bool(rules & {term.rule for term in glossary if not term.term})


def _add_recall(sums: _Sums, answer: Answered) -> None:
    written = f"{answer.output.title}\n{answer.output.text}"
    numbers = headline_numbers(answer.abstract)
    if numbers:
        sums.headlines += 1
        sums.with_headline += any(has_number(written, number) for number in numbers)
    name = method_name(answer.title, answer.abstract)
    if name:
        sums.methods += 1
        sums.with_method += has_name(written, name)


def _add_sizes(sums: _Sums, language: str, answer: Answered) -> None:
    if "title" not in answer.absent:
        sums.title_characters.append(len(graphemes(answer.output.title)))
    sums.text_characters.append(len(graphemes(answer.output.text)))
    sums.sentences.append(len(split_sentences(language.split("-")[0], answer.output.text)))


def _figures(sums: _Sums) -> list[Figure]:
    return [
        *sums.faults.figures(),
        share("calques", "with a calque", sums.with_calque, sums.faults.texts),
        share("banned_phrases", "with a banned phrase", sums.with_banned_phrase, sums.faults.texts),
        share("headline_recall", "has a main number", sums.with_headline, sums.headlines),
        share("method_recall", "has the method's name", sums.with_method, sums.methods),
        middle("title_characters", "characters of a title", sums.title_characters),
        middle("text_characters", "characters of a text", sums.text_characters),
        middle("sentences", "sentences of a text", sums.sentences),
    ]
