"""Public records as rows for others: what may be passed on, a paper a row, in two formats.

Ids, titles, authors and dates are arXiv's metadata (CC0,
https://info.arxiv.org/help/license/index.html); votes are Hugging Face's. Abstracts, summaries by
Hugging Face, figures and PDFs are left out. The texts are ours.
"""

import json
from collections.abc import Iterable, Sequence

from papers_pipeline.records import DailyIssue, ExportedPaper, ExportedText, IssuePaper
from papers_pipeline.store import lake

LICENSE = "CC-BY-4.0"
LICENSE_URL = "https://creativecommons.org/licenses/by/4.0/"


def exported(issues: Iterable[DailyIssue]) -> Sequence[ExportedPaper]:
    """Every paper of the days once, as its latest day shows it, by its first day and id.

    A paper that moved to another day is left to that day.
    """
    rows: dict[str, ExportedPaper] = {}
    for issue in sorted(issues, key=lambda issue: issue.date):
        for paper in issue.papers:
            if paper.moved_to is None:
                before = rows.get(paper.arxiv_id)
                rows[paper.arxiv_id] = _row(issue, paper, before)
    return sorted(rows.values(), key=lambda row: (row.days[0], row.arxiv_id))


def json_lines(rows: Iterable[ExportedPaper]) -> bytes:
    """A JSON object a line, in UTF-8."""
    lines = [json.dumps(row.model_dump(mode="json"), ensure_ascii=False) + "\n" for row in rows]
    return "".join(lines).encode()


def parquet(rows: Sequence[ExportedPaper]) -> bytes:
    """The same rows as a Parquet file."""
    return lake.encode(rows, ExportedPaper)


def _row(issue: DailyIssue, paper: IssuePaper, before: ExportedPaper | None) -> ExportedPaper:
    return ExportedPaper(
        arxiv_id=paper.arxiv_id,
        title=paper.title,
        url=paper.url,
        published_at=paper.published_at,
        days=[*(before.days if before else ()), issue.date],
        status=paper.status,
        upvotes=max(paper.upvotes, before.upvotes if before else 0),
        comments=paper.comments,
        authors=[author.name for author in paper.authors],
        institutions=paper.institutions,
        topics=paper.topics.names,
        texts=_texts(paper),
    )


def _texts(paper: IssuePaper) -> list[ExportedText]:
    """The texts that a model of ours wrote."""
    found = []
    for language, text in sorted(paper.summaries.items()):
        if text.source == "model" and text.text:
            found.append(
                ExportedText(
                    language=language,
                    title=text.title,
                    text=text.text,
                    provider=text.provider,
                    model=text.model,
                    prompt_version=text.prompt_version,
                    written_at=text.created_at,
                    unverified=text.unverified,
                )
            )
    return found
