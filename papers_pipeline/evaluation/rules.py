"""The evaluation by rules of each stage that has one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.enrichment.stages.notes import NotesStage
from papers_pipeline.enrichment.stages.reading_task import ReadingTaskStage
from papers_pipeline.enrichment.stages.summaries import SummaryStage
from papers_pipeline.enrichment.stages.topic_tags import TopicTagsStage
from papers_pipeline.evaluation.answers import Answered
from papers_pipeline.evaluation.notes import evaluate_notes
from papers_pipeline.evaluation.reading import evaluate_reading
from papers_pipeline.evaluation.report import Report
from papers_pipeline.evaluation.summaries import evaluate_summaries
from papers_pipeline.evaluation.topics import evaluate_topics

Evaluation = Callable[[Any, Sequence[Answered], str], Report]
"""Takes a stage, its answers and their source."""

EVALUATIONS: Mapping[type[AnyStage], Evaluation] = {
    SummaryStage: evaluate_summaries,
    TopicTagsStage: evaluate_topics,
    ReadingTaskStage: evaluate_reading,
    NotesStage: evaluate_notes,
}
