"""Topic tags: topics of the closed list per paper, or those that the keyword rules find."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, WithJsonSchema, create_model

from papers_pipeline.base.per_paper import Outcome
from papers_pipeline.enrichment.abstracts import abstract_variables, missing_abstract
from papers_pipeline.enrichment.draft import PaperDraft
from papers_pipeline.enrichment.guardrails import topics_verdict
from papers_pipeline.enrichment.stage import Stage, Variables
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.prompts.topics import keyword_topics
from papers_pipeline.records import IssueTopics, Paper, TopicTags, UnaskableReason


class FiledTopics(BaseModel):
    """The answer that a model is asked for."""

    topics: list[str]


def filed_under(names: Sequence[str]) -> type[FiledTopics]:
    """The answer whose JSON schema lists the names, so that a model is offered no others.

    An answer with another name can still be read: some models do not keep to a schema, and a topic
    may leave the list. The guardrails say what is wrong with it.
    """
    listed = Annotated[str, WithJsonSchema({"type": "string", "enum": list(names)})]
    return create_model("FiledTopics", __base__=FiledTopics, topics=(list[listed], ...))


class TopicTagsStage(Stage[Paper, TopicTags, FiledTopics]):
    """The topics of the day's papers."""

    prompt_kind = "topic_tags"
    record = TopicTags
    shown_fields = ("topics",)
    in_build_table = True
    rows_hold_answers = True
    description = "The topics of each paper, from the closed list in `prompts/topics.yaml`."

    def __init__(self, prompt: Prompt, terms: frozenset[str] = frozenset()) -> None:
        super().__init__(prompt, terms)
        self.output = filed_under([topic.name for topic in prompt.topics])

    def items(self, feed_listing: Sequence[Paper]) -> Sequence[Paper]:
        return feed_listing

    def why_not_asked(self, item: Paper) -> UnaskableReason | None:
        return missing_abstract(item)

    def prompt_variables(self, item: Paper) -> Sequence[Variables]:
        return (abstract_variables(item),)

    def judge(self, output: FiledTopics, variables: Variables) -> Verdict:
        allowed = [topic.name for topic in self.prompt.topics]
        most = self.prompt.limits.get("topics", len(allowed))
        return topics_verdict(output.topics, allowed, most)

    def answer_row(self, item: Paper, answer: Answer[FiledTopics]) -> TopicTags:
        return TopicTags(topics=answer.output.topics, **self.answer_fields(item, answer))

    def fallback_row(self, item: Paper, outcome: Outcome[TopicTags]) -> TopicTags:
        """The topics that the keyword rules find in title, abstract, and keywords."""
        topics = keyword_topics(self.prompt.topics, item.title, item.abstract, item.ai_keywords)
        return TopicTags(source="keywords", topics=topics, **self.fallback_fields(item, outcome))

    def add_to_paper(self, draft: PaperDraft, row: TopicTags | None) -> None:
        if row:
            names = [name.lower() for name in row.topics]
            draft.topics = IssueTopics(names=names, source=row.source)
