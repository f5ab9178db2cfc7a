"""Measures how well the configured models read title pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import Progress
from papers_pipeline.documents.fetch import Documents
from papers_pipeline.enrichment.enrich import enrich
from papers_pipeline.enrichment.institution_names import letters
from papers_pipeline.enrichment.stages.affiliations import AffiliationsStage, TitlePage
from papers_pipeline.evaluation.lines import read_lines
from papers_pipeline.evaluation.score import Score
from papers_pipeline.llm.models import Models
from papers_pipeline.llm.spent import Spent
from papers_pipeline.records import Affiliations, Paper

SAMPLE_LABELS = Path(__file__).parents[2] / "data" / "sample" / "labels.jsonl"


class LabelError(OperatorError):
    """A file of labels that cannot be used; the message names the line."""


class Label(BaseModel):
    """A title page, labelled by hand.

    `alt` maps an institution to other accepted forms. `optional` names are neither expected nor
    wrong. An author without a key in `author_affiliations` is not judged.
    """

    id: str
    title: str = ""
    authors: list[str] = []
    affiliations: list[str]
    author_affiliations: Mapping[str, list[str]] = {}
    alt: Mapping[str, list[str]] = {}
    optional: list[str] = []

    def canonical(self, name: str) -> str:
        """The label's own form of an institution, by its letters."""
        for label, others in self.alt.items():
            accepted = map(letters, (label, *others))
            if letters(name) in accepted:
                return letters(label)
        return letters(name)


@dataclass
class Evaluation:
    """The scores over all papers, what was spent, and the faults of each imperfect paper."""

    papers: int = 0
    unread: list[str] = field(default_factory=list)
    institutions: Score = field(default_factory=Score)
    links: Score = field(default_factory=Score)
    faults: dict[str, str] = field(default_factory=dict)
    spent: Spent = field(default_factory=Spent)


def load_labels(path: Path) -> list[Label]:
    """The labels of a JSON lines file. Raises LabelError."""
    return read_lines(path, Label.model_validate, LabelError)


async def evaluate_affiliations(
    stage: AffiliationsStage,
    labels: Sequence[Label],
    *,
    documents: Documents,
    models: Models,
    clock: Clock,
    concurrency: int,
    progress: Progress,
) -> Evaluation:
    """Read the title page of each labelled paper and compare.

    PDFs come from arXiv and answers are cached, as in a build: evaluating the same prompt again is
    free.
    """
    papers = [_paper(label, clock) for label in labels]
    pdfs, _ = await documents.pdfs(papers, earlier=(), progress=progress)
    parsed, _ = await documents.parsed(pdfs, earlier=(), progress=progress)
    pages = [TitlePage(paper, row) for paper, row in zip(papers, parsed, strict=True)]
    rows, _, spent = await enrich(
        stage, pages, models=models, concurrency=concurrency, progress=progress
    )
    result = Evaluation(papers=len(labels), spent=spent)
    for label, row in zip(labels, rows, strict=True):
        if row.state != "done":
            result.unread.append(f"{label.id}: {row.reason}")
            continue
        _compare(result, label, row)
    return result


def _paper(label: Label, clock: Clock) -> Paper:
    return Paper(
        arxiv_id=label.id,
        title=label.title,
        abstract="",
        authors=label.authors or list(label.author_affiliations),
        first_seen_at=clock.now(),
    )


def _compare(result: Evaluation, label: Label, row: Affiliations) -> None:
    expected = _canonical(label, label.affiliations)
    found = _canonical(label, row.institutions)
    ignored = {letters(name) for name in label.optional}
    result.institutions.add(found, expected, ignored)
    links = {author.name: author.institutions for author in row.authors}
    for author, institutions in label.author_affiliations.items():
        given = _canonical(label, links.get(author, ()))
        result.links.add(given, _canonical(label, institutions), ignored)
    faults = []
    for name in label.affiliations:
        if label.canonical(name) not in found:
            faults.append(f"missed {name}")
    for name in row.institutions:
        if label.canonical(name) not in expected | ignored:
            faults.append(f"unexpected: {name}")
    if faults:
        result.faults[label.id] = "; ".join(faults)


def _canonical(label: Label, names: Sequence[str]) -> set[str]:
    return {label.canonical(name) for name in names}
