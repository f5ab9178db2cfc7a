"""A paper's public record while the stages add their parts to it."""

from dataclasses import dataclass, field
from typing import Literal

from papers_pipeline.records import IssueNote, IssueText, IssueTopics, Paper


@dataclass
class PaperDraft:
    """A paper, and the parts that the stages have added so far.

    `institutions` are as printed, `institutions_by_author` has them by the name on the paper, and
    `notes` has notes on the full text by language, and the texts of other stages by their names.
    """

    paper: Paper
    summaries: dict[str, IssueText] = field(default_factory=dict)
    emoji: str | None = None
    topics: IssueTopics = field(default_factory=IssueTopics)
    institutions: list[str] = field(default_factory=list)
    institutions_source: Literal["model", "hf_organization"] | None = None
    institutions_by_author: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, IssueNote] = field(default_factory=dict)
