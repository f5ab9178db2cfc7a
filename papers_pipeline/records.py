"""The typed records that travel between stages: frozen pydantic models, one a row of a stored table.

A field that a later release adds needs a default, so that rows written before it can still be read.
"""

from datetime import date, datetime
from datetime import date as date_  # a field named `date` hides the type in its class
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

PaperStatus = Literal["listed", "gone", "withdrawn"]
OutcomeState = Literal["done", "pending", "failed"]
DayState = Literal["open", "listed", "quiet", "stalled", "shrunk", "failed"]
PendingReason = Literal["no_provider", "no_abstract", "budget", "not_built"]
"""Why a paper was not written about; the pages explain each (`pending.*` in `locales/`)."""
UnaskableReason = Literal["no_abstract", "no_pdf", "no_text"]
"""Why nothing can be asked about a paper, whatever is configured."""
UnreadReason = Literal["no_pdf", "no_text"]
"""Why a paper itself was not read: there is no PDF, or no text of it."""
FailureReason = Literal["refused", "unusable", "unreachable", "error"]
"""Why a paper that was asked about has no text; the pages explain each (`failed.*` in `locales/`)."""
TextSource = Literal["model", "hf_ai_summary", "abstract"]


class Record(BaseModel):
    """A row of a stored table. ``provenance`` names the fields that say how or when, not what: they are no part of
    the row's data version, so that a change of theirs makes nothing downstream stale."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", validate_by_name=True, serialize_by_alias=True
    )
    provenance: ClassVar[frozenset[str]] = frozenset()

    def content(self) -> dict[str, Any]:
        """The row as plain JSON values, without its provenance."""
        return self.model_dump(mode="json", exclude=set(self.provenance))


class RecordPart(BaseModel):
    """A value nested in a record. A field's alias is its name in Parquet and in public JSON."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)


class FeedResponse(Record):
    """One page of one answer of the Hugging Face list, as received. Pages fetched together share ``fetched_at``."""

    provenance = frozenset({"fetched_at"})

    fetched_at: datetime
    page: int
    body: str


class Paper(Record):
    """A paper of one day's list. ``published_at`` is arXiv's time, ``submitted_at`` the time of listing
    (``submittedOnDailyAt``, absent before March 2025); ``gone_at`` is the fetch that first lacked it."""

    provenance = frozenset({"first_seen_at", "gone_at"})

    arxiv_id: str
    title: str
    abstract: str
    authors: list[str]
    published_at: datetime | None = None
    submitted_at: datetime | None = None
    withdrawn_at: datetime | None = None
    organization: str | None = None
    code_url: str | None = None
    project_url: str | None = None
    thumbnail: str | None = None
    media_urls: list[str] = []
    ai_summary: str | None = None
    ai_summary_model: str | None = None
    ai_keywords: list[str] = []
    status: PaperStatus = "listed"
    first_seen_at: datetime
    gone_at: datetime | None = None


class PaperVotes(Record):
    """What changes by the hour, kept apart from ``Paper`` so that a new vote makes no text stale."""

    arxiv_id: str
    upvotes: int
    comments: int
    github_stars: int | None = None


class StageRow(Record):
    """What became of one paper in one stage. ``pending`` was not begun, ``failed`` was and gave nothing; ``reason``
    says why, as a code, and ``detail`` to the operator."""

    provenance = frozenset({"detail"})

    arxiv_id: str
    state: OutcomeState
    reason: str | None = None
    detail: str | None = None


class PaperPdf(StageRow):
    """A paper's PDF: ``blob`` is its name below `blobs/pdf/`, where it lies until it is pruned."""

    blob: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    pages: int | None = None


class Section(BaseModel):
    """A first-level section: its heading with the number as printed, and its text, one paragraph a line."""

    model_config = ConfigDict(frozen=True)

    title: str
    text: str


class ParsedPaper(StageRow):
    """The text of a paper's PDF. ``header`` is what stands between title and abstract, and the footnotes and end matter
    that name institutions; ``version`` is arXiv's, from the stamp. ``sha256`` and ``parser_version`` say of what and by
    what."""

    sha256: str | None = None
    parser_version: str
    version: int | None = None
    pages: int | None = None
    header: str | None = None
    sections: list[Section] = []


class Figure(BaseModel):
    """A link to a figure of a paper's HTML, with its caption and the section it stands in; ``is_dead`` when the link
    gave nothing."""

    model_config = ConfigDict(frozen=True)

    url: str
    caption: str | None = None
    section: str | None = None
    is_dead: bool = False


class PaperFigures(StageRow):
    """The figures of a paper, in the order of its HTML."""

    figures: list[Figure] = []


class Enrichment(StageRow):
    """What every row of a prompt's asset tells beside its answer. ``input_hash`` and ``prompt_version`` say what was
    asked."""

    provenance = frozenset({"created_at", "detail"})

    provider: str | None = None
    model: str | None = None
    prompt_version: str
    input_hash: str
    created_at: datetime | None = None


class Summary(Enrichment):
    """A slogan and a short text in one language; ``source`` other than ``model`` marks a stand-in of a pending row."""

    source: TextSource | None = None
    title: str | None = None
    text: str | None = None
    emoji: str | None = None


class AuthorInstitutions(BaseModel):
    """An author as printed, and the institutions that the paper gives this author."""

    model_config = ConfigDict(frozen=True)

    name: str
    institutions: list[str] = []


class Affiliations(Enrichment):
    """The institutions of a paper as printed, in the order of the page, and whose they are; ``hf_organization`` marks a
    stand-in from Hugging Face."""

    source: Literal["model", "hf_organization"] | None = None
    institutions: list[str] = []
    authors: list[AuthorInstitutions] = []


class TopicTags(Enrichment):
    """Topics of the closed list, by name; ``keywords`` marks a stand-in found by the keyword rules."""

    source: Literal["model", "keywords"] | None = None
    topics: list[str] = []


class ReadingWord(BaseModel):
    """A word of a Chinese sentence and its pinyin there; what is not Chinese (Latin words, numbers, punctuation,
    spaces) has none."""

    model_config = ConfigDict(frozen=True)

    text: str
    pinyin: str | None = None


class ReadingSentence(BaseModel):
    """A sentence of a reading task, and the same in words."""

    model_config = ConfigDict(frozen=True)

    text: str
    words: list[ReadingWord]


class VocabularyWord(BaseModel):
    """A word of a reading task above HSK 3. ``level`` is 4 to 7, where 7 stands for 7 to 9, or None for one that the
    syllabus does not list; ``meaning`` is English."""

    model_config = ConfigDict(frozen=True)

    word: str
    pinyin: str
    level: int | None = None
    meaning: str | None = None
    source: Literal["glossary", "cc-cedict"] | None = None


class ReadingTask(Enrichment):
    """The Chinese reading task of a day, about one paper. ``level`` is the lowest HSK level, 1 to 7, whose words
    make up most of the text."""

    source: Literal["model"] | None = None
    sentences: list[ReadingSentence] = []
    vocabulary: list[VocabularyWord] = []
    level: int | None = None


class ReadingTranslation(Enrichment):
    """A reading task in another language: a translation a sentence of ``of``, and the meanings of words by word."""

    source: Literal["model"] | None = None
    of: list[str] = []
    sentences: list[str] = []
    meanings: dict[str, str] = {}


class RelatedPaper(RecordPart):
    """A paper with similar words: the last day that listed it, and its original title."""

    arxiv_id: str = Field(alias="id")
    day: date_
    title: str


class RelatedPapers(Record):
    """The papers of the same day or earlier days most similar to one paper, best match first.

    ``terms`` are hashes of the paper's own words and ``counts`` how often it uses each. Later days
    compare their papers with these.
    """

    arxiv_id: str
    title: str
    terms: list[int]
    counts: list[int]
    related: list[RelatedPaper]


class IssueAuthor(RecordPart):
    """An author as printed, with the author's institutions."""

    name: str
    institutions: list[str] = Field([], alias="affiliations")


class IssueTopics(RecordPart):
    """The topics of a paper in the public record."""

    names: list[str] = []
    source: Literal["model", "keywords"] | None = None


class IssueText(RecordPart):
    """One language's text of a paper in the public record."""

    state: OutcomeState
    reason: str | None = None
    source: TextSource | None = None
    title: str | None = None
    text: str | None = None
    provider: str | None = None
    model: str | None = None
    prompt_version: str | None = None
    created_at: datetime | None = None


class IssuePaper(RecordPart):
    """A paper in the public record of a day."""

    arxiv_id: str = Field(alias="id")
    version: int | None = None
    title: str
    abstract: str
    url: str
    pdf_url: str
    code_url: str | None = None
    project_url: str | None = None
    thumbnail: str | None = None
    published_at: datetime | None = None
    listed_at: datetime
    listed_on: list[date] = []
    status: PaperStatus = "listed"
    moved_to: date | None = None
    withdrawn_at: datetime | None = None
    upvotes: int = 0
    comments: int = 0
    authors: list[IssueAuthor] = []
    institutions: list[str] = Field([], alias="affiliations")
    institutions_source: Literal["model", "hf_organization"] | None = Field(
        None, alias="affiliations_source"
    )
    topics: IssueTopics = IssueTopics()
    emoji: str | None = None
    figures: list[Figure] = []
    summaries: dict[str, IssueText] = {}


class IssueMeaning(RecordPart):
    """The meaning of a vocabulary word in one language, and its source."""

    text: str
    source: Literal["glossary", "cc-cedict", "model"]


class IssueVocabularyWord(RecordPart):
    """A vocabulary word in the public record, with its meaning by language."""

    word: str
    pinyin: str
    level: int | None = None
    meanings: dict[str, IssueMeaning] = {}


class IssueTranslation(RecordPart):
    """A reading task's sentences in one language."""

    state: OutcomeState
    reason: str | None = None
    sentences: list[str] = []
    provider: str | None = None
    model: str | None = None
    prompt_version: str | None = None
    created_at: datetime | None = None


class IssueReadingTask(RecordPart):
    """The Chinese reading task in the public record of a day.

    ``arxiv_id`` and ``title`` identify the paper that it is about.
    """

    arxiv_id: str = Field(alias="id")
    title: str
    state: OutcomeState
    reason: str | None = None
    level: int | None = None
    sentences: list[ReadingSentence] = []
    vocabulary: list[IssueVocabularyWord] = []
    translations: dict[str, IssueTranslation] = {}
    provider: str | None = None
    model: str | None = None
    prompt_version: str | None = None
    created_at: datetime | None = None


class IssueCounts(RecordPart):
    """Papers that the day shows, and those of them that moved, were withdrawn, or disappeared."""

    papers: int = 0
    moved: int = 0
    withdrawn: int = 0
    gone: int = 0


class DailyIssue(Record):
    """The public record of a day (`d/YYYY-MM-DD.json`), papers by upvotes.

    ``list_state`` is the state of the list shown. It differs from ``state`` while a shrunken list
    is not believed, and it is not published. ``previous`` and ``next`` are the nearest days with
    papers.
    """

    provenance = frozenset({"built_at"})

    date: date_
    state: DayState
    list_state: DayState
    counts: IssueCounts
    built_at: datetime | None
    previous: date_ | None = None
    next: date_ | None = None
    reading_task: IssueReadingTask | None = None
    papers: list[IssuePaper]


PlanState = Literal["current", "stale", "missing", "incomplete"]
"""Of an asset's day: every text is of the prompt in force; some are not; it was never built; some papers have none."""


class PlanRow(Record):
    """What is out of date in one prompt's asset of one day. ``stale``, ``pending`` and ``failed`` count papers, of
    ``papers`` in all; ``calls`` are left when the answers in the cache are taken, by ``model``, about so many tokens
    and USD; ``usd`` is None when the price is not known."""

    asset: str
    day: str
    state: PlanState
    version: str
    papers: int
    stale: int
    pending: int
    failed: int
    calls: int
    model: str | None = None
    input_tokens: int
    output_tokens: int
    usd: float | None = None


class SiteFile(Record):
    """A file of the site, with its path below the site's root.

    ``fingerprint`` is a hash of what the file was made from. Only files that are skipped while
    nothing changed have one.
    """

    path: str
    sha256: str
    bytes: int
    fingerprint: str | None = Field(None, alias="made_of")


class PeriodFile(SiteFile):
    """A page of a month or week.

    ``previous`` and ``next`` are the first days of the neighbours it links to. ``is_open`` records
    that the page says the month or week is not over.
    """

    previous: date | None = None
    next: date | None = None
    is_open: bool = False


class SearchedLanguage(Record):
    """One language of the search index: the number of its paper pages, and a hash of them."""

    language: str
    pages: int
    fingerprint: str = Field(alias="made_of")
