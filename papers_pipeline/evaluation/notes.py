"""Measures notes on full texts by rules, without a model: are they true to the sections?"""

from collections.abc import Sequence
from typing import Any

from papers_pipeline.enrichment.stages.notes import NotesStage
from papers_pipeline.evaluation.answers import Answered
from papers_pipeline.evaluation.fault_counts import FaultCounts
from papers_pipeline.evaluation.report import Report, middle, share

NOTHING: dict[str, Any] = {"title": "", "sections": {}}
"""A source without words."""


def evaluate_notes(stage: NotesStage, answers: Sequence[Answered], source: str) -> Report:
    """The report on notes in the language of the stage, judged by its own guardrails."""
    report = Report(source)
    counts = FaultCounts()
    statements = []
    characters = []
    without_limitations = 0
    for answer in answers:
        output, repairs = stage.repair(answer.output)
        variables = {"title": answer.title, "sections": answer.sections}
        faults = stage.judge(output, variables).faults
        if faults:
            report.faults[answer.arxiv_id] = list(faults)
        counts.add(faults, stage.judge(output, NOTHING).faults, repairs)
        lengths = [len(written.text) for part in output.parts.values() for written in part]
        statements.append(len(lengths))
        characters += lengths
        without_limitations += not output.limitations
    report.figures = [
        *counts.figures(),
        share("without_limitations", "without limitations", without_limitations, len(answers)),
        middle("statements", "statements about a paper", statements),
        middle("characters", "characters of a statement", characters),
    ]
    return report
