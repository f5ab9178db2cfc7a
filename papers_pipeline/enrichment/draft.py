"""A paper's public record while the stages add their parts to it."""

from dataclasses import dataclass, field
from typing import Literal

from papers_pipeline.records import IssueNote, IssueText, IssueTopics, Paper


@dataclass
class PaperDraft:
    """What the stages say about `paper`. `institutions` are as printed; `institutions_by_author`
    ties them to the names on the paper. `notes` are by stage."""

    paper: Paper
    summaries: dict[str, IssueText] = field(default_factory=dict)
    emoji: str | None = None
    topics: IssueTopics = field(default_factory=IssueTopics)
    institutions: list[str] = field(default_factory=list)
    institutions_source: Literal["model", "hf_organization"] | None = None
    institutions_by_author: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, IssueNote] = field(default_factory=dict)
