"""Every prompt's task, by its asset."""

from typing import Any

from papers_pipeline.enrichment.affiliations import affiliations_task
from papers_pipeline.enrichment.enrich import Task
from papers_pipeline.enrichment.institution_names import load_institution_names
from papers_pipeline.enrichment.reading_task import reading_task, translation_task
from papers_pipeline.enrichment.summaries import summary_task
from papers_pipeline.enrichment.topic_tags import tags_task
from papers_pipeline.prompts.prompt import Prompts


def tasks_of(prompts: Prompts) -> dict[str, Task[Any, Any, Any]]:
    """The tasks in the order of their assets."""
    tasks: list[Task[Any, Any, Any]] = [
        summary_task(prompt, prompts.terms) for prompt in prompts.summaries
    ]
    tasks.append(tags_task(prompts.others["topic_tags"]))
    tasks.append(affiliations_task(prompts.others["affiliations"], load_institution_names()))
    tasks.append(reading_task(prompts.others["reading_task"]))
    tasks += [translation_task(prompt, prompts.terms) for prompt in prompts.translations]
    return {task.prompt.asset: task for task in tasks}
