"""A day joined into its public record: listing, votes, and what every stage adds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from papers_pipeline.enrichment.draft import PaperDraft
from papers_pipeline.enrichment.organizations import UsualNames
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.enrichment.stages.reading_task import ReadingTaskStage
from papers_pipeline.enrichment.stages.reading_translation import ReadingTranslationStage
from papers_pipeline.issue.links import DayLinks, with_links
from papers_pipeline.issue.reading import issue_reading_task
from papers_pipeline.listing.days import DayAssessment, assess
from papers_pipeline.records import (
    DailyIssue,
    Enrichment,
    Figure,
    IssueAuthor,
    IssueCounts,
    IssueNote,
    IssuePaper,
    IssueReadingTask,
    IssueText,
    IssueTranslation,
    Paper,
    PaperFigures,
    PaperStatus,
    PaperVotes,
    ParsedPaper,
    ReadingTask,
    ReadingTranslation,
    by_arxiv_id,
)

AnswerRow = TypeVar("AnswerRow", bound=Enrichment)


@dataclass(frozen=True)
class DayTables:
    """The stored tables of one day. `answers` has the rows of each stage by asset, without the
    assets that were never built."""

    listing: Sequence[Paper]
    votes: Sequence[PaperVotes]
    answers: Mapping[str, Sequence[Enrichment]] = field(default_factory=dict)
    figures: Sequence[PaperFigures] = ()
    parsed_text: Sequence[ParsedPaper] = ()


def build_issue(
    day: date,
    tables: DayTables,
    stages: Sequence[AnyStage],
    links: DayLinks,
    names: UsualNames,
    now: datetime,
    quiet_days: Sequence[date] = (),
) -> tuple[DailyIssue, DayAssessment]:
    """The public record of a day, its papers by upvotes and then by id, and its list's assessment.

    Each stage adds its part to each paper. The texts of a language that was never built are
    `pending`; the institutions of a paper that was never read are Hugging Face's.
    """
    moved = {}
    for paper in tables.listing:
        other_day = links.moved_to(paper.arxiv_id, day)
        if other_day:
            moved[paper.arxiv_id] = other_day
    assessment = assess(day, tables.listing, moved, now, quiet_days)
    papers = _papers(tables, stages, names, assessment)
    titles = {paper.arxiv_id: paper.title for paper in papers}
    task = _reading_task(tables, stages, titles)
    issue = DailyIssue(
        date=day,
        state=assessment.state,
        list_state=assessment.list_state,
        counts=IssueCounts(),
        built_at=_built_at(assessment, papers, task),
        reading_task=task,
        papers=sorted(papers, key=lambda paper: (-paper.upvotes, paper.arxiv_id)),
    )
    issue = with_links(issue, links)
    return issue.model_copy(update={"counts": _counts(issue.papers)}), assessment


def _papers(
    tables: DayTables, stages: Sequence[AnyStage], names: UsualNames, assessment: DayAssessment
) -> list[IssuePaper]:
    """The papers that the day shows, in the order of its list."""
    votes = by_arxiv_id(tables.votes)
    figures = by_arxiv_id(tables.figures)
    parsed = by_arxiv_id(tables.parsed_text)
    answers = {}
    for stage in stages:
        answers[stage.asset] = by_arxiv_id(tables.answers.get(stage.asset, ()))
    papers = []
    for paper in assessment.shown:
        draft = PaperDraft(paper)
        for stage in stages:
            stage.add_to_paper(draft, answers[stage.asset].get(paper.arxiv_id))
        papers.append(
            _issue_paper(
                draft,
                names,
                status=_shown_status(paper, assessment),
                votes=votes.get(paper.arxiv_id),
                figures=figures.get(paper.arxiv_id),
                parsed=parsed.get(paper.arxiv_id),
            )
        )
    return papers


def _shown_status(paper: Paper, assessment: DayAssessment) -> PaperStatus:
    """The paper's status. A paper that only the rejected list lacks is still listed."""
    rejected_at = assessment.rejected_at
    if paper.status == "gone" and rejected_at and paper.gone_at == rejected_at:
        return "listed"
    return paper.status


def _issue_paper(
    draft: PaperDraft,
    names: UsualNames,
    *,
    status: PaperStatus,
    votes: PaperVotes | None,
    figures: PaperFigures | None,
    parsed: ParsedPaper | None,
) -> IssuePaper:
    paper = draft.paper
    authors = []
    for name in paper.authors:
        own = draft.institutions_by_author.get(name, ())
        authors.append(IssueAuthor(name=name, institutions=_usual_names(names, own)))
    return IssuePaper(
        arxiv_id=paper.arxiv_id,
        version=parsed.version if parsed else None,
        title=paper.title,
        abstract=paper.abstract,
        url=f"https://arxiv.org/abs/{paper.arxiv_id}",
        pdf_url=f"https://arxiv.org/pdf/{paper.arxiv_id}",
        code_url=paper.code_url,
        project_url=paper.project_url,
        thumbnail=paper.thumbnail,
        published_at=paper.published_at,
        listed_at=paper.submitted_at or paper.first_seen_at,
        status=status,
        withdrawn_at=paper.withdrawn_at,
        upvotes=votes.upvotes if votes else 0,
        comments=votes.comments if votes else 0,
        authors=authors,
        institutions=_usual_names(names, draft.institutions),
        institutions_source=draft.institutions_source,
        topics=draft.topics,
        emoji=draft.emoji,
        figures=_live_figures(figures),
        summaries=draft.summaries,
        notes=draft.notes,
    )


def _live_figures(row: PaperFigures | None) -> list[Figure]:
    """The figures whose links work."""
    return [figure for figure in row.figures if not figure.is_dead] if row else []


def _usual_names(names: UsualNames, institutions: Iterable[str]) -> list[str]:
    """The institutions under their usual names, each once."""
    usual = map(names.usual, institutions)
    return list(dict.fromkeys(usual))


def _reading_task(
    tables: DayTables, stages: Sequence[AnyStage], titles: Mapping[str, str]
) -> IssueReadingTask | None:
    tasks: Sequence[ReadingTask] = ()
    translations: dict[str, Sequence[ReadingTranslation]] = {}
    for stage in stages:
        if isinstance(stage, ReadingTaskStage):
            tasks = _answers(tables, stage.asset, ReadingTask)
        elif isinstance(stage, ReadingTranslationStage):
            translations[stage.language] = _answers(tables, stage.asset, ReadingTranslation)
    return issue_reading_task(tasks, translations, titles)


def _answers(tables: DayTables, asset: str, record: type[AnswerRow]) -> list[AnswerRow]:
    return [row for row in tables.answers.get(asset, ()) if isinstance(row, record)]


def _built_at(
    assessment: DayAssessment, papers: Sequence[IssuePaper], task: IssueReadingTask | None
) -> datetime | None:
    """The newest time inside the issue, so that building it again changes nothing."""
    texts: list[IssueText | IssueNote | IssueReadingTask | IssueTranslation] = []
    for paper in papers:
        texts += [*paper.summaries.values(), *paper.notes.values()]
    if task:
        texts += [task, *task.translations.values()]
    times = [paper.first_seen_at for paper in assessment.shown]
    for text in texts:
        if text.created_at:
            times.append(text.created_at)
    return max(times, default=None)


def _counts(papers: Sequence[IssuePaper]) -> IssueCounts:
    moved = withdrawn = gone = 0
    for paper in papers:
        if paper.moved_to:
            moved += 1
        elif paper.status == "gone":
            gone += 1
        if paper.status == "withdrawn":
            withdrawn += 1
    return IssueCounts(papers=len(papers), moved=moved, withdrawn=withdrawn, gone=gone)
