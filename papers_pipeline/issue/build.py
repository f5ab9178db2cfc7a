"""A day joined into its one public record: listing, votes, texts, tags, and what only other days know."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from papers_pipeline.enrichment.institution_names import load_institution_names
from papers_pipeline.enrichment.reading_task import issue_reading_task
from papers_pipeline.issue.links import DayLinks, with_links
from papers_pipeline.listing.days import DayAssessment, assess
from papers_pipeline.records import (
    Affiliations,
    DailyIssue,
    Figure,
    IssueAuthor,
    IssueCounts,
    IssuePaper,
    IssueText,
    IssueTopics,
    Paper,
    PaperFigures,
    PaperVotes,
    ParsedPaper,
    ReadingTask,
    ReadingTranslation,
    Summary,
    TopicTags,
)


def build_issue(
    day: date,
    listing: Sequence[Paper],
    votes: Sequence[PaperVotes],
    texts: Mapping[str, Sequence[Summary] | None],
    tags: Sequence[TopicTags] | None,
    affiliations: Sequence[Affiliations] | None,
    figures: Sequence[PaperFigures] | None,
    parsed: Sequence[ParsedPaper] | None,
    links: DayLinks,
    now: datetime,
    quiet_days: Sequence[date] = (),
    reading: Sequence[ReadingTask] | None = None,
    translations: Mapping[str, Sequence[ReadingTranslation] | None] | None = None,
) -> tuple[DailyIssue, DayAssessment]:
    """The public record of a day, its papers by upvotes and then by id, and the assessment of its list.

    ``texts`` names every language of the site, in its order; a language that was never built is ``pending``, and the
    institutions of a paper that was never read are Hugging Face's. ``translations`` are those of the reading task, by
    language.
    """
    moved = {paper.arxiv_id: to for paper in listing if (to := links.moved_to(paper.arxiv_id, day))}
    assessment = assess(day, listing, moved, now, quiet_days)
    votes_of = {row.arxiv_id: row for row in votes}
    texts_of = {
        language: {row.arxiv_id: row for row in rows or ()} for language, rows in texts.items()
    }
    tags_of = {row.arxiv_id: row for row in tags or ()}
    affiliations_of = {row.arxiv_id: row for row in affiliations or ()}
    figures_of = {row.arxiv_id: row.figures for row in figures or ()}
    version_of = {row.arxiv_id: row.version for row in parsed or ()}
    papers = [
        _paper(
            paper,
            votes_of.get(paper.arxiv_id),
            {language: rows.get(paper.arxiv_id) for language, rows in texts_of.items()},
            tags_of.get(paper.arxiv_id),
            affiliations_of.get(paper.arxiv_id),
            figures_of.get(paper.arxiv_id, []),
            version_of.get(paper.arxiv_id),
            assessment,
        )
        for paper in assessment.shown
    ]
    task = issue_reading_task(
        reading, translations or {}, {paper.arxiv_id: paper.title for paper in papers}
    )
    written = [
        text.created_at for paper in papers for text in paper.summaries.values() if text.created_at
    ]
    if task:
        times = (
            task.created_at,
            *(translation.created_at for translation in task.translations.values()),
        )
        written += [time for time in times if time]
    issue = DailyIssue(
        date=day,
        state=assessment.state,
        list_state=assessment.list_state,
        counts=IssueCounts(),
        built_at=max(
            [*written, *(paper.first_seen_at for paper in assessment.shown)], default=None
        ),
        reading_task=task,
        papers=sorted(papers, key=lambda paper: (-paper.upvotes, paper.arxiv_id)),
    )
    issue = with_links(issue, links)
    counts = IssueCounts(
        papers=len(issue.papers),
        moved=sum(paper.moved_to is not None for paper in issue.papers),
        withdrawn=sum(paper.status == "withdrawn" for paper in issue.papers),
        gone=sum(paper.status == "gone" and paper.moved_to is None for paper in issue.papers),
    )
    return issue.model_copy(update={"counts": counts}), assessment


def _paper(
    paper: Paper,
    votes: PaperVotes | None,
    texts: Mapping[str, Summary | None],
    tags: TopicTags | None,
    affiliations: Affiliations | None,
    figures: list[Figure],
    version: int | None,
    assessment: DayAssessment,
) -> IssuePaper:
    # What a list that is not believed has lost stays as it was.
    disbelieved = paper.status == "gone" and paper.gone_at == assessment.disbelieved_at is not None
    usual = load_institution_names().usual
    printed = [paper.organization] if paper.organization else []
    source = "hf_organization" if printed else None
    if affiliations:
        printed, source = affiliations.institutions, affiliations.source
    own = (
        {author.name: author.institutions for author in affiliations.authors}
        if affiliations
        else {}
    )
    return IssuePaper(
        arxiv_id=paper.arxiv_id,
        version=version,
        title=paper.title,
        abstract=paper.abstract,
        url=f"https://arxiv.org/abs/{paper.arxiv_id}",
        pdf_url=f"https://arxiv.org/pdf/{paper.arxiv_id}",
        code_url=paper.code_url,
        project_url=paper.project_url,
        thumbnail=paper.thumbnail,
        published_at=paper.published_at,
        listed_at=paper.submitted_at or paper.first_seen_at,
        status="listed" if disbelieved else paper.status,
        withdrawn_at=paper.withdrawn_at,
        upvotes=votes.upvotes if votes else 0,
        comments=votes.comments if votes else 0,
        authors=[
            IssueAuthor(name=name, institutions=_once(map(usual, own.get(name, ()))))
            for name in paper.authors
        ],
        institutions=_once(map(usual, printed)),
        institutions_source=source,
        topics=IssueTopics(names=[name.lower() for name in tags.topics], source=tags.source)
        if tags
        else IssueTopics(),
        emoji=next((text.emoji for text in texts.values() if text and text.emoji), None),
        figures=[figure for figure in figures if not figure.is_dead],
        summaries={language: _text(text) for language, text in texts.items()},
    )


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _text(text: Summary | None) -> IssueText:
    if text is None:
        return IssueText(state="pending", reason="not_built")
    return IssueText.model_validate(text.model_dump(include=set(IssueText.model_fields)))
