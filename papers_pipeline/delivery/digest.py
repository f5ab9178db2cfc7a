"""A day in one language, as every channel tells it: a line per paper, safe for any of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from papers_pipeline.base.characters import excerpt
from papers_pipeline.enrichment.sentences import split_sentences
from papers_pipeline.records import DailyIssue, DayState, IssuePaper, IssueText
from papers_pipeline.text import formulas
from papers_pipeline.text.locales import Locale

LONGEST_TITLE, LONGEST_SENTENCE = 160, 320
"""Characters. Whatever a paper is called, its part of a post stays short."""


@dataclass(frozen=True)
class DigestPaper:
    """A paper in a digest. Title and sentence are plain text on one line; `emoji` may be empty."""

    title: str
    sentence: str
    url: str
    upvotes: int
    emoji: str = ""

    @property
    def led_title(self) -> str:
        """The title after its emoji."""
        return f"{self.emoji} {self.title}" if self.emoji else self.title


@dataclass(frozen=True)
class Digest:
    """A day in a language: the papers that have a text in it, by upvotes.

    `listed` is the number of papers that the day delivers, with and without a text. `url` is the
    day's page, or None if the site has no address.
    """

    day: date
    state: DayState
    locale: Locale
    url: str | None
    papers: Sequence[DigestPaper]
    listed: int

    @property
    def language(self) -> str:
        """The code of the language."""
        return self.locale.code

    @property
    def name(self) -> str:
        """The name of the digest."""
        return self.locale.text("site.name")

    @property
    def date(self) -> str:
        """The day, with its weekday."""
        return self.locale.set(self.locale.long_date(self.day))

    @property
    def count(self) -> str:
        """How many papers it has, in words."""
        return self.locale.set(self.locale.plural("papers", len(self.papers)))

    def votes(self, paper: DigestPaper) -> str:
        """A paper's upvotes, in words."""
        return self.locale.set(self.locale.plural("upvotes", paper.upvotes))


def digest_of(issue: DailyIssue, locale: Locale, site_url: str | None) -> Digest:
    """The digest of a day in a language.

    A paper that moved to another day is left to that day, a withdrawn one is left out. Links lead
    to the site, or to arXiv if the site has no address.
    """
    papers = []
    listed = 0
    for paper in issue.papers:
        if paper.moved_to or paper.status == "withdrawn":
            continue
        listed += 1
        text = paper.summaries.get(locale.code)
        if text and text.text:
            papers.append(_digest_paper(paper, text, locale, site_url))
    url = f"{site_url}/{locale.code}/d/{issue.date}.html" if site_url else None
    return Digest(issue.date, issue.state, locale, url, papers, listed)


def _digest_paper(
    paper: IssuePaper, text: IssueText, locale: Locale, site_url: str | None
) -> DigestPaper:
    title = text.title if text.source == "model" and text.title else paper.title
    sentences = split_sentences(locale.code, formulas.plain(text.text or ""))
    sentence = excerpt(sentences[0] if sentences else "", LONGEST_SENTENCE, whole_words=True)
    url = f"{site_url}/{locale.code}/p/{paper.arxiv_id}.html" if site_url else paper.url
    return DigestPaper(
        title=locale.set(excerpt(formulas.plain(title), LONGEST_TITLE, whole_words=True)),
        sentence=locale.set(sentence),
        url=url,
        upvotes=paper.upvotes,
        emoji=excerpt(paper.emoji or "", 10),
    )
