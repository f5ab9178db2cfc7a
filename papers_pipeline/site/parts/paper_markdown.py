"""A paper's page as Markdown, for programs and assistants that read no HTML."""

from collections.abc import Iterable, Iterator
from datetime import date

from papers_pipeline.records import IssueNote, IssuePaper
from papers_pipeline.site.render import capitalized, notes, unverified
from papers_pipeline.text.locales import Locale
from papers_pipeline.text.markdown import escaped, link


def paper_markdown(locale: Locale, paper: IssuePaper, day: date) -> str:
    """The text for `<lang>/p/<arxiv_id>.md`. `day` listed the paper.

    It says what the page says in its own language, without figures, votes and related papers.
    """
    return "\n\n".join(_blocks(locale, paper, day)) + "\n"


def _blocks(locale: Locale, paper: IssuePaper, day: date) -> Iterator[str]:
    text = paper.summaries.get(locale.code)
    slogan = text.title if text else None
    yield f"# {escaped(slogan or paper.title)}"
    if slogan:
        yield escaped(paper.title)
    fate = _fate(locale, paper)
    if fate:
        yield f"**{escaped(fate)}**"
    yield escaped(
        (text.text if text else None) or paper.abstract or locale.text("paper.no_abstract")
    )
    mark = unverified(locale, text)
    if mark:
        yield f"**{escaped(mark.unescape())}**"
    said = [sentence.unescape() for sentence in notes(locale, paper)]
    if said:
        yield escaped(locale.space.join(said))
    yield _list(_facts(locale, paper, day))
    if paper.abstract:
        yield f"## {escaped(locale.text('paper.abstract'))}"
        yield escaped(paper.abstract)
    note = paper.notes.get(locale.code)
    if note and note.parts:
        yield from _notes(locale, note)


def _facts(locale: Locale, paper: IssuePaper, day: date) -> Iterator[str]:
    """Authors, institutions, topics, dates and links, each with its name."""
    topics = [capitalized(locale.topic(name)) for name in paper.topics.names]
    for key, names in (
        ("paper.authors", [author.name for author in paper.authors]),
        ("paper.institutions", paper.institutions),
        ("paper.topics", topics),
    ):
        if names:
            yield f"{locale.text(key)}: {', '.join(map(escaped, names))}"
    if paper.published_at:
        yield f"{locale.text('paper_page.published')}: {paper.published_at.date()}"
    days = ", ".join(map(str, paper.listed_on or [day]))
    yield f"{locale.text('paper_page.listed')}: {days}"
    for key, url in (
        ("paper.arxiv", paper.url),
        ("paper.pdf", paper.pdf_url),
        ("paper.code", paper.code_url),
        ("paper.project", paper.project_url),
        ("paper.hf", f"https://huggingface.co/papers/{paper.arxiv_id}"),
    ):
        if url:
            yield link(locale.text(key), url)


def _notes(locale: Locale, note: IssueNote) -> Iterator[str]:
    """The notes on the full text, each statement with its section."""
    yield f"## {escaped(locale.text('notes.heading'))}"
    for part, statements in note.parts.items():
        yield f"### {escaped(locale.text(f'notes.{part}'))}"
        if not statements:
            yield escaped(locale.text("notes.no_limitations"))
            continue
        section = locale.text("notes.section")
        yield _list(
            f"{escaped(statement.text)} ({section} {escaped(statement.section)})"
            for statement in statements
        )
    mark = unverified(locale, note, "notes.unverified")
    if mark:
        yield f"**{escaped(mark.unescape())}**"
    written_on = str(note.created_at.date()) if note.created_at else ""
    key = "notes.written_version" if note.version else "notes.written"
    yield escaped(
        locale.text(
            key,
            model=note.model,
            version=note.version,
            date=written_on,
            prompt=note.prompt_version,
        )
    )


def _fate(locale: Locale, paper: IssuePaper) -> str | None:
    """Whether the paper was withdrawn, moved or disappeared since it was listed."""
    if paper.withdrawn_at:
        return locale.text("paper.withdrawn", date=str(paper.withdrawn_at.date()))
    if paper.status == "withdrawn":
        return locale.text("paper.withdrawn_undated")
    if paper.moved_to:
        return f"{locale.text('paper.moved')} {paper.moved_to}"
    return locale.text("paper.gone") if paper.status == "gone" else None


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
