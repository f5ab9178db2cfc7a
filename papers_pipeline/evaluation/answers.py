"""The answers that an evaluation judges: stored ones, those of another prompt version, or a file's.

A file has one JSON object per line: `arxiv_id`, `output` (the answer), and `title` and `abstract`
of the paper. The paper's fields may be left out if a stored day lists it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.evaluation.lines import read_lines
from papers_pipeline.llm.conversation import Provenance
from papers_pipeline.records import Enrichment, Paper
from papers_pipeline.store.lake import Lake
from papers_pipeline.store.purchases import Purchases, digest

Papers = Mapping[str, Paper]


class AnswerError(OperatorError):
    """Answers that cannot be judged. The message names the file and line, or what is missing."""


@dataclass(frozen=True)
class Answered:
    """An answer about a paper, whose `title`, `abstract` and Hugging Face `keywords` it has.

    `output` is the stage's object. `absent` are the fields of it that a file left out. `sections`
    are the texts that notes were written from, by heading.
    """

    arxiv_id: str
    title: str
    abstract: str
    output: Any
    absent: frozenset[str] = frozenset()
    keywords: tuple[str, ...] = ()
    sections: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """The variables of a prompt about the paper."""
        return {"title": self.title, "abstract": self.abstract}


class AnswerLine(BaseModel):
    """A line of a file of answers."""

    model_config = ConfigDict(extra="ignore")

    arxiv_id: str
    output: dict[str, Any]
    title: str | None = None
    abstract: str | None = None


def stored_papers(lake: Lake) -> dict[str, Paper]:
    """Every paper that a stored day lists, as on the latest of its days."""
    papers: dict[str, Paper] = {}
    for day in lake.partitions("feed_listing"):
        for paper in lake.read("feed_listing", day, Paper) or ():
            papers[paper.arxiv_id] = paper
    return papers


def answers_of_file(
    path: Path, stage: AnyStage, papers: Papers, may_lack: Collection[str] = ()
) -> list[Answered]:
    """The answers of a JSON lines file.

    An answer may do without the fields `may_lack`; what the guardrails say about them does not
    count. Raises AnswerError.
    """

    def read(line: Any) -> Answered:
        return _answer_of_line(line, stage, papers, may_lack)

    answers = read_lines(path, read, AnswerError)
    if not answers:
        raise AnswerError(f"{path}: the file has no answers")
    return answers


def _answer_of_line(
    line: Any, stage: AnyStage, papers: Papers, may_lack: Collection[str]
) -> Answered:
    parsed = AnswerLine.model_validate(line)
    stored = papers.get(parsed.arxiv_id)
    title, abstract = parsed.title, parsed.abstract
    if stored is not None:
        title = stored.title if title is None else title
        abstract = stored.abstract if abstract is None else abstract
    if title is None or abstract is None:
        missing = "title" if title is None else "abstract"
        raise AnswerError(
            f"no stored day lists {parsed.arxiv_id}, and the line has no {missing} of the paper"
        )
    absent = frozenset(name for name in may_lack if name not in parsed.output)
    return Answered(
        arxiv_id=parsed.arxiv_id,
        title=title,
        abstract=abstract,
        output=stage.output.model_validate(dict.fromkeys(absent, "") | parsed.output),
        absent=absent,
        keywords=tuple(stored.ai_keywords) if stored else (),
    )


def stored_answers(
    lake: Lake,
    stage: AnyStage,
    papers: Papers,
    first: date | None = None,
    last: date | None = None,
) -> list[Answered]:
    """The models' answers of all stored days, or of those from `first` to `last`.

    A paper of several days counts once, as on the latest. Raises AnswerError if there are none.
    """
    answers: dict[str, Answered] = {}
    for day in lake.partitions(stage.asset):
        if (first and day < first.isoformat()) or (last and day > last.isoformat()):
            continue
        for row in lake.read(stage.asset, day, stage.record) or ():
            if is_answer(row) and row.arxiv_id in papers:
                answers[row.arxiv_id] = answer_of_row(stage, row, papers[row.arxiv_id])
    if not answers:
        raise AnswerError(
            f"no stored day has an answer of {stage.asset}: build a day, or name a file of answers"
        )
    return list(answers.values())


def is_answer(row: Enrichment) -> bool:
    """Whether a row holds a model's answer, and not a stand-in."""
    return row.state == "done" and getattr(row, "source", "model") == "model"


def answer_of_row(
    stage: AnyStage, row: Enrichment, paper: Paper, sections: Mapping[str, str] | None = None
) -> Answered:
    """The answer that a stored row holds, about its paper and, for notes, its sections."""
    return replace(_about(paper, stage.output_of(row)), sections=sections or {})


def answers_of_version(
    purchases: Purchases, stage: AnyStage, papers: Papers, version: str
) -> list[Answered]:
    """The cached answers of one version of the stage's prompt, about papers of stored days.

    Raises AnswerError if there are none; the message lists the versions that have answers.
    """
    answers: dict[str, Answered] = {}
    versions: set[str] = set()
    for entry in purchases.entries(stage.asset):
        if entry.value is None:
            continue
        versions.add(entry.identity["prompt_version"])
        paper = papers.get(Provenance.of(entry).arxiv_id)
        if paper is not None and entry.identity["prompt_version"] == version:
            answers[paper.arxiv_id] = _about(paper, stage.output.model_validate(entry.value))
    if not answers:
        known = ", ".join(sorted(versions)) or "none"
        raise AnswerError(
            f"{version} is neither a file nor a version of {stage.prompt.name} that has answers; "
            f"those that have: {known}"
        )
    return list(answers.values())


def _about(paper: Paper, output: BaseModel) -> Answered:
    return Answered(
        arxiv_id=paper.arxiv_id,
        title=paper.title,
        abstract=paper.abstract,
        output=output,
        keywords=tuple(paper.ai_keywords),
    )


def sampled(answers: Sequence[Answered], most: int) -> list[Answered]:
    """At most so many of the answers, chosen by the hash of their papers' ids: always the same."""
    by_hash = sorted(answers, key=_id_hash)
    return by_hash[:most]


def _id_hash(answer: Answered) -> str:
    return digest(answer.arxiv_id)
