"""Measures topics: against the list, the keyword rules, and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import BaseModel, ConfigDict

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.enrichment.stages.topic_tags import TopicTagsStage
from papers_pipeline.evaluation.answers import Answered
from papers_pipeline.evaluation.lines import read_lines
from papers_pipeline.evaluation.report import Figure, Report, count, share
from papers_pipeline.evaluation.score import Score
from papers_pipeline.llm.verdict import of_severity
from papers_pipeline.prompts.topics import keyword_topics


class TopicLabelError(OperatorError):
    """A file of labelled topics that cannot be used; the message names the line."""


class TopicLabel(BaseModel):
    """A paper and its right topics, by the names of `topics.yaml`."""

    model_config = ConfigDict(extra="forbid")

    id: str
    topics: list[str]


@dataclass
class TopicsReport(Report):
    """A report on topics. `scores` compare with labels: each topic's, by name, and their sum."""

    scores: Mapping[str, Score] | None = None
    total: Score | None = None


def load_topic_labels(path: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """The topics by paper of a JSON lines file. Raises TopicLabelError, also for a topic that is
    not among `names`."""

    def read(line: Any) -> TopicLabel:
        label = TopicLabel.model_validate(line)
        unknown = sorted(set(label.topics) - set(names))
        if unknown:
            raise TopicLabelError(f"no such topic: {', '.join(unknown)}")
        return label

    return {label.id: label.topics for label in read_lines(path, read, TopicLabelError)}


def evaluate_topics(
    stage: TopicTagsStage,
    answers: Sequence[Answered],
    source: str,
    labels: Mapping[str, Sequence[str]] | None = None,
) -> TopicsReport:
    """The report on topics; with `labels`, also precision and recall over the papers in them.

    Agreement with the keyword rules is the mean of the Jaccard index, 1 if both found nothing.
    """
    report = TopicsReport(source)
    names = [topic.name for topic in stage.prompt.topics]
    agreements = []
    invented = refused = 0
    for answer in answers:
        verdict = stage.judge(answer.output, answer.variables)
        if verdict.faults:
            report.faults[answer.arxiv_id] = list(verdict.faults)
        refused += bool(of_severity(verdict.faults, "fatal"))
        topics = set(answer.output.topics)
        invented += len(topics - set(names))
        by_rules = keyword_topics(
            stage.prompt.topics, answer.title, answer.abstract, answer.keywords
        )
        agreements.append(jaccard(topics, set(by_rules)))
    sizes = [len(answer.output.topics) for answer in answers]
    report.figures = [
        count("texts", "papers", len(answers)),
        share("refused", "refused", refused, len(answers)),
        share("without", "without a topic", sizes.count(0), len(answers)),
        count("invented", "invented topics", invented),
        Figure("mean", "topics of a paper, mean", fmean(sizes) if sizes else None),
        Figure(
            "keyword_agreement",
            "agreement with the keyword rules (Jaccard)",
            fmean(agreements) if agreements else None,
            "share",
        ),
    ]
    if labels is not None:
        _compare(report, answers, labels)
    return report


def jaccard(one: set[str], other: set[str]) -> float:
    """The share of two sets that they have in common, 1 if both are empty."""
    union = one | other
    return len(one & other) / len(union) if union else 1.0


def _compare(
    report: TopicsReport, answers: Sequence[Answered], labels: Mapping[str, Sequence[str]]
) -> None:
    scores: dict[str, Score] = {}
    total = Score()
    labelled = [answer for answer in answers if answer.arxiv_id in labels]
    for answer in labelled:
        found, expected = set(answer.output.topics), set(labels[answer.arxiv_id])
        total.add(found, expected)
        for topic in found | expected:
            scores.setdefault(topic, Score()).add(found & {topic}, expected & {topic})
    report.scores, report.total = dict(sorted(scores.items())), total
    report.figures += [
        count("labelled", "labelled papers", len(labelled)),
        Figure("precision", "precision", total.precision, "share", total.found),
        Figure("recall", "recall", total.recall, "share", total.expected),
        Figure("f1", "F1", total.f1, "share", total.expected),
    ]
