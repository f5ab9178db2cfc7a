"""The topics of a day's papers, from the closed list: by a model, or by the keyword rules until one was asked."""

from pydantic import BaseModel

from papers_pipeline.base.per_paper import Outcome
from papers_pipeline.enrichment.enrich import Task, answered, unanswered
from papers_pipeline.enrichment.guardrails import topics_verdict
from papers_pipeline.enrichment.summaries import title_and_abstract, told
from papers_pipeline.llm.chain import Answer
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.prompts.topics import keyword_topics
from papers_pipeline.records import Paper, TopicTags


class FiledTopics(BaseModel):
    """What a model is asked for."""

    topics: list[str]


def tags_task(prompt: Prompt) -> Task[Paper, TopicTags, FiledTopics]:
    """The task of the prompt that files papers under topics."""
    names = [topic.name for topic in prompt.topics]
    return Task(
        prompt=prompt,
        record=TopicTags,
        output=FiledTopics,
        inputs=("feed_listing",),
        items=lambda feed_listing: feed_listing,
        texts=title_and_abstract,
        judge=lambda answer, _: topics_verdict(
            answer.topics, names, prompt.limits.get("topics", len(names))
        ),
        written=lambda paper, answer: tagged(prompt, paper, answer),
        unwritten=lambda paper, outcome: untagged(prompt, paper, outcome),
    )


def tagged(prompt: Prompt, paper: Paper, answer: Answer[FiledTopics]) -> TopicTags:
    """The row of a paper that a model tagged."""
    return TopicTags(
        arxiv_id=paper.arxiv_id,
        topics=answer.output.topics,
        **answered(prompt, told(paper), answer),
    )


def untagged(prompt: Prompt, paper: Paper, outcome: Outcome[TopicTags]) -> TopicTags:
    """The row of a paper that no model tagged: what the keyword rules find in its title, abstract and keywords."""
    topics = keyword_topics(prompt.topics, paper.title, paper.abstract, paper.ai_keywords)
    return TopicTags(
        arxiv_id=paper.arxiv_id,
        source="keywords",
        topics=topics,
        **unanswered(prompt, told(paper), outcome),
    )
