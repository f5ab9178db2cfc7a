"""The evaluation by rules of each stage that has one."""

from collections.abc import Sequence

from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.enrichment.stages.reading_task import ReadingTaskStage
from papers_pipeline.enrichment.stages.summaries import SummaryStage
from papers_pipeline.enrichment.stages.topic_tags import TopicTagsStage
from papers_pipeline.evaluation.answers import Answered
from papers_pipeline.evaluation.reading import evaluate_reading
from papers_pipeline.evaluation.report import Report
from papers_pipeline.evaluation.summaries import evaluate_summaries
from papers_pipeline.evaluation.topics import evaluate_topics


def evaluated(stage: AnyStage, answers: Sequence[Answered], source: str) -> Report | None:
    """The report on a stage's answers; None if no rules measure them."""
    if isinstance(stage, SummaryStage):
        return evaluate_summaries(stage, answers, source)
    if isinstance(stage, TopicTagsStage):
        return evaluate_topics(stage, answers, source)
    if isinstance(stage, ReadingTaskStage):
        return evaluate_reading(stage, answers, source)
    return None
