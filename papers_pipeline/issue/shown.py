"""What a day's public record was made from."""

from collections.abc import Set

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.records import DailyIssue, IssuePaper


class TableLost(OperatorError):
    """A table is gone whose texts the day's record shows. The message names the way out."""


def assets_shown(issue: DailyIssue) -> set[str]:
    """The assets of the day whose rows the record shows, apart from list and votes."""
    shown = set()
    for paper in issue.papers:
        shown |= _of_paper(paper)
    task = issue.reading_task
    if task and task.state == "done":
        shown.add("reading_task")
        for language, translation in task.translations.items():
            if translation.state == "done":
                shown.add(f"reading_translation_{language}")
    return shown


def require_tables(issue: DailyIssue, absent: Set[str]) -> None:
    """Raise TableLost if an absent table has texts that the record shows: it would lose them."""
    lost = sorted(absent & assets_shown(issue))
    if lost:
        raise TableLost(
            f"{issue.date}: the tables of {', '.join(lost)} are gone, and the record would lose "
            f"what it shows of them: build the day as a whole, papers build --date {issue.date}; "
            "it takes what was bought from the purchases"
        )


def _of_paper(paper: IssuePaper) -> set[str]:
    shown = set()
    for name, texts in (("summaries", paper.summaries), ("notes", paper.notes)):
        for language, text in texts.items():
            if text.state == "done":
                shown.add(f"{name}_{language}")
    if paper.topics.source:
        shown.add("topic_tags")
    if paper.institutions_source == "model":
        shown.add("affiliations")
    if paper.version:
        shown.add("parsed_text")
    if paper.figures:
        shown.add("figures")
    return shown
