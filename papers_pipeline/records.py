"""The typed records: frozen pydantic models, each a row of a stored table or a part of one.

A field added later needs a default, so that older rows can still be read.
"""

from collections.abc import Iterable
from datetime import date, datetime
from datetime import date as date_  # a field named `date` hides the type in its class
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
)

PaperStatus = Literal["listed", "gone", "withdrawn"]
OutcomeState = Literal["done", "pending", "failed"]
DayState = Literal["open", "listed", "quiet", "stalled", "shrunk", "failed"]
PendingReason = Literal["no_provider", "no_abstract", "budget", "in_batch", "not_built"]
"""Why no model was asked about a paper. The pages explain each (`pending.*` in `locales/`)."""
UnaskableReason = Literal["no_abstract", "no_pdf", "no_text"]
"""Why no model can be asked about a paper, whatever is configured."""
UnreadReason = Literal["no_pdf", "no_text"]
"""Why a paper was not read: it has no PDF, or the PDF has no readable text."""
FailureReason = Literal["refused", "unusable", "unreachable", "error"]
"""Why asking failed. The pages explain each (`failed.*` in `locales/`)."""
TextSource = Literal["model", "hf_ai_summary", "abstract"]


class HasArxivId(Protocol):
    """Anything about one paper: a row, a card, or a paper with its parsed text."""

    @property
    def arxiv_id(self) -> str: ...


AboutPaper = TypeVar("AboutPaper", bound=HasArxivId)


def by_arxiv_id(items: Iterable[AboutPaper]) -> dict[str, AboutPaper]:
    """The items by arXiv id, in their order. If two share an id, the last one counts."""
    return {item.arxiv_id: item for item in items}


_RECORDS: dict[str, "type[Record]"] = {}


class Record(BaseModel):
    """A row of a stored table.

    `provenance` names the fields that say how or when, not what. They do not count for the data
    version, so a change in them makes nothing downstream stale.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", validate_by_name=True, serialize_by_alias=True
    )
    provenance: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _RECORDS[cls.__name__] = cls

    def content(self) -> dict[str, Any]:
        """The row as plain JSON values, without its provenance."""
        return self.model_dump(mode="json", exclude=set(self.provenance))


def record_named(name: str) -> type[Record] | None:
    """The record class of a stored table; None if no imported module defines it."""
    return _RECORDS.get(name)


class RecordPart(BaseModel):
    """A value nested in a record. A field's alias is its name in Parquet files and public JSON."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)


class FeedResponse(Record):
    """One page of the Hugging Face list as received. Pages fetched together share `fetched_at`."""

    provenance = frozenset({"fetched_at"})

    fetched_at: datetime
    page: int
    body: str


class Paper(Record):
    """A paper of one day's list.

    `published_at` is arXiv's time. `submitted_at` is the time of listing (`submittedOnDailyAt`,
    absent before March 2025). `gone_at` is the time of the first fetch without the paper.
    """

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
    """Upvotes, comments and stars. They are not part of `Paper`, so that a new vote makes no text
    stale."""

    arxiv_id: str
    upvotes: int
    comments: int
    github_stars: int | None = None


class StageRow(Record):
    """One paper's result in one asset.

    `pending` means not attempted, `failed` attempted without a result. `reason` is a code;
    `detail` explains it to the operator.
    """

    provenance = frozenset({"detail"})

    arxiv_id: str
    state: OutcomeState
    reason: str | None = None
    detail: str | None = None


class PaperPdf(StageRow):
    """A paper's PDF. `blob` is its file name in `blobs/pdf/`, where it stays until it is pruned."""

    blob: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    pages: int | None = None


class Section(BaseModel):
    """A first-level section: the heading as printed, number included; one paragraph per line."""

    model_config = ConfigDict(frozen=True)

    title: str
    text: str


class ParsedPaper(StageRow):
    """The text of a paper's PDF.

    `header` is the text between title and abstract, with the footnotes and end matter that name
    institutions. `version` is arXiv's, from the stamp. `sha256` is the hash of the parsed PDF.
    """

    sha256: str | None = None
    parser_version: str
    version: int | None = None
    pages: int | None = None
    header: str | None = None
    sections: list[Section] = []


class Figure(BaseModel):
    """A link to a figure in a paper's HTML, with its caption and section. `is_dead` means that the
    link was tried and does not work."""

    model_config = ConfigDict(frozen=True)

    url: str
    caption: str | None = None
    section: str | None = None
    is_dead: bool = False


class PaperFigures(StageRow):
    """The figures of a paper, in the order of its HTML."""

    figures: list[Figure] = []


class Enrichment(StageRow):
    """The fields of a stage's row apart from its answer.

    `prompt_version` and `input_hash` identify the question. `unverified` are the numbers and names
    in the answer that its source does not have. `style_notes` tell the operator which faults of
    style the answer was accepted with.
    """

    provenance = frozenset({"created_at", "detail", "style_notes"})

    provider: str | None = None
    model: str | None = None
    prompt_version: str
    input_hash: str
    created_at: datetime | None = None
    unverified: list[str] = []
    style_notes: list[str] = []

    @property
    def question(self) -> dict[str, str]:
        """What the answer was stored under when it was bought, beside the asset."""
        return {"prompt_version": self.prompt_version, "input_hash": self.input_hash}

    def content(self) -> dict[str, Any]:
        """Also without `unverified` if it is empty, so that older rows stay equal."""
        content = super().content()
        if not self.unverified:
            content.pop("unverified", None)
        return content


class Summary(Enrichment):
    """A slogan and a short text in one language. A `source` other than `model` marks a stand-in.

    `reads_as` is the language that a model's text was found to be in (ISO 639-1), `und` if unclear.
    """

    provenance = Enrichment.provenance | {"reads_as"}

    source: TextSource | None = None
    title: str | None = None
    text: str | None = None
    emoji: str | None = None
    reads_as: str | None = None


class AuthorInstitutions(BaseModel):
    """An author as printed, with the institutions that the paper ties to the name."""

    model_config = ConfigDict(frozen=True)

    name: str
    institutions: list[str] = []


class Affiliations(Enrichment):
    """The institutions of a paper as printed, in page order, and those of each author. The source
    `hf_organization` marks a stand-in from Hugging Face."""

    source: Literal["model", "hf_organization"] | None = None
    institutions: list[str] = []
    authors: list[AuthorInstitutions] = []


class TopicTags(Enrichment):
    """Topics of the closed list, by name. The source `keywords` marks a stand-in that the keyword
    rules found."""

    source: Literal["model", "keywords"] | None = None
    topics: list[str] = []


class ReadingWord(BaseModel):
    """A piece of a Chinese sentence with its pinyin. Latin words, numbers, punctuation, and spaces
    have none."""

    model_config = ConfigDict(frozen=True)

    text: str
    pinyin: str | None = None


class ReadingSentence(BaseModel):
    """A sentence of a reading task, whole and split into words."""

    model_config = ConfigDict(frozen=True)

    text: str
    words: list[ReadingWord]


class VocabularyWord(BaseModel):
    """A word that a reading task explains.

    `level` is 1 to 7, where 7 stands for 7 to 9, or None if the syllabus does not list the word.
    `meaning` is English.
    """

    model_config = ConfigDict(frozen=True)

    word: str
    pinyin: str
    level: int | None = None
    meaning: str | None = None
    source: Literal["glossary", "cc-cedict"] | None = None


class ReadingTask(Enrichment):
    """The Chinese reading task of a day, about one paper.

    `level` is the lowest HSK level, 1 to 7, whose words make up most of the text. `read_with` is
    the version of the dictionaries and rules that found words and level.
    """

    provenance = Enrichment.provenance | {"read_with"}

    source: Literal["model"] | None = None
    sentences: list[ReadingSentence] = []
    vocabulary: list[VocabularyWord] = []
    level: int | None = None
    read_with: str | None = None


class ReadingTranslation(Enrichment):
    """A reading task in another language: one translation per sentence of `of`, and meanings by
    word."""

    source: Literal["model"] | None = None
    of: list[str] = []
    sentences: list[str] = []
    meanings: dict[str, str] = {}


class NoteStatement(BaseModel):
    """A statement about a paper, and the heading of the section that says it."""

    model_config = ConfigDict(frozen=True)

    text: str
    section: str


class FullTextNotes(Enrichment):
    """Notes on the full text of a paper in one language: the statements of each part.

    The parts are `problem`, `method`, `evidence`, `limitations` and `remember`. `version` is
    arXiv's, of the text that was read. `reads_as` is as in `Summary`.
    """

    provenance = Enrichment.provenance | {"reads_as"}

    source: Literal["model"] | None = None
    version: int | None = None
    parts: dict[str, list[NoteStatement]] = {}
    reads_as: str | None = None


class RelatedPaper(RecordPart):
    """A paper with similar words: the last day that listed it, and its original title."""

    arxiv_id: str = Field(alias="id")
    day: date_
    title: str


class RelatedPapers(Record):
    """The papers most similar to one paper, best first, from the same day or earlier ones.

    `terms` are hashes of the paper's own words and `counts` how often it uses each. Later days
    compare their papers with these. `strongest` are the few of them that tell the paper apart from
    those up to its day, most telling first, and `weights` how much each does, from 0 to 1. Rows of
    earlier versions have neither. `fingerprint` is a hash of all that was compared.
    """

    provenance = frozenset({"fingerprint"})

    arxiv_id: str
    title: str
    terms: list[int]
    counts: list[int]
    strongest: list[int] = []
    weights: list[float] = []
    related: list[RelatedPaper]
    fingerprint: str | None = None

    def content(self) -> dict[str, Any]:
        """Also without `strongest` and `weights` if empty, so that older rows stay equal."""
        content = super().content()
        if not self.strongest:
            del content["strongest"], content["weights"]
        return content


class IssueAuthor(RecordPart):
    """An author as printed, with the author's institutions."""

    name: str
    institutions: list[str] = Field([], alias="affiliations")


class IssueTopics(RecordPart):
    """The topics of a paper in the public record."""

    names: list[str] = []
    source: Literal["model", "keywords"] | None = None


class IssueAnswer(RecordPart):
    """A text by a model in the public record.

    `unverified` are the numbers and names in it that its source does not have.
    """

    unverified: list[str] = []

    @model_serializer(mode="wrap")
    def _without_empty_mark(
        self, serialize: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """Omit `unverified` from JSON if it is empty, so that older issues stay equal."""
        fields: dict[str, Any] = serialize(self)
        if info.mode == "json" and not self.unverified:
            fields.pop("unverified", None)
        return fields


class IssueText(IssueAnswer):
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


class IssueNote(IssueAnswer):
    """Another text about a paper in the public record of a day, written by its own stage.

    Notes on the full text have no `text` but `parts`, and the `version` of the paper that they are
    about, as in `FullTextNotes`.
    """

    state: OutcomeState
    reason: str | None = None
    text: str | None = None
    version: int | None = None
    parts: dict[str, list[NoteStatement]] = {}
    provider: str | None = None
    model: str | None = None
    prompt_version: str | None = None
    created_at: datetime | None = None


class IssuePaper(RecordPart):
    """A paper in the public record of a day.

    `notes` has notes on the full text by language, and the texts of other stages by their names.
    """

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
    notes: dict[str, IssueNote] = {}

    @model_serializer(mode="wrap")
    def _without_empty_notes(
        self, serialize: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        """Omit `notes` from JSON if there are none, so that older issues stay equal."""
        fields: dict[str, Any] = serialize(self)
        if info.mode == "json" and not self.notes:
            fields.pop("notes", None)
        return fields


class ExportedText(RecordPart):
    """A text of ours about a paper. `unverified` has what title and abstract do not mention."""

    language: str
    title: str | None
    text: str
    provider: str | None
    model: str | None
    prompt_version: str | None
    written_at: datetime | None
    unverified: list[str] = []


class ExportedPaper(Record):
    """A paper in the data files of a month: what may be passed on, and nothing else.

    `days` are the days of the month that list it. `topics` and `institutions` are as on the pages.
    """

    arxiv_id: str = Field(alias="id")
    title: str
    url: str
    published_at: datetime | None
    days: list[date]
    status: PaperStatus
    upvotes: int
    comments: int
    authors: list[str]
    institutions: list[str]
    topics: list[str]
    texts: list[ExportedText]


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


class IssueReadingTask(IssueAnswer):
    """The Chinese reading task in the public record of a day.

    `arxiv_id` and `title` identify the paper that it is about.
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
    """How many papers the day shows, and how many of them moved, were withdrawn or disappeared."""

    papers: int = 0
    moved: int = 0
    withdrawn: int = 0
    gone: int = 0


class DailyIssue(Record):
    """The public record of a day (`d/YYYY-MM-DD.json`), papers by upvotes.

    `list_state` is the state of the list that pages show. It differs from `state` while a shrunken
    list is rejected, and is not part of the public JSON. `previous` and `next` are the nearest days
    with papers.
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


DeliveryState = Literal["sending", "sent", "refused"]
"""What became of a message. `sending`: it is about to be sent, or nobody knows whether it went out;
`sent`: the channel accepted it; `refused`: it surely did not go out, and may be sent again."""


class Delivery(Record):
    """A message about a day that was given to a channel.

    `key` names the recipient and the part, without telling who it is. `sha256` is the hash of
    what was sent, `message_id` the channel's own name for it.
    """

    provenance = frozenset({"sent_at", "detail"})

    key: str
    language: str
    state: DeliveryState
    sha256: str
    message_id: str | None = None
    sent_at: datetime | None = None
    detail: str | None = None


PlanState = Literal["current", "stale", "missing", "incomplete"]
"""The state of an asset's day. `current`: every text is by the prompt in force; `stale`: some are
not; `missing`: never built; `incomplete`: some papers have no text."""


class PlanRow(Record):
    """What is out of date in one stage's asset on one day.

    `stale`, `pending`, and `failed` count papers, out of `papers`. `calls` are the calls left after
    purchased answers are taken, to `model`, with about these tokens and USD. `usd` is None if the
    price is unknown.
    """

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

    `fingerprint` is a hash of what the file was made from. Files stored by version 0.1.0 may have
    none.
    """

    path: str
    sha256: str
    bytes: int
    fingerprint: str | None = Field(None, alias="made_of")


class PeriodFile(SiteFile):
    """A page of a month or week.

    `previous` and `next` are the first days of the neighbours it links to. `is_open` records
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
