"""A day's public record made into pages: `Renderer` gives the HTML, `static_files` what the pages load beside it.

Every link inside the site is relative, so that it works under any sub-path and from a folder.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar, get_args
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from papers_pipeline.records import DailyIssue, FailureReason, IssuePaper, IssueText
from papers_pipeline.site.catalogue import slug
from papers_pipeline.site.periods import Period, month_of, week_of
from papers_pipeline.text import formulas
from papers_pipeline.text.locales import Locale

PACKAGE = Path(__file__).parent
IMAGE_SOURCES = (
    "https://cdn-thumbnails.huggingface.co",
    "https://arxiv.org",
    "https://export.arxiv.org",
)
"""The only places a page may show a picture from, as Content-Security-Policy writes them."""

_Name = TypeVar("_Name", str, tuple[str, str])

# What HTML forbids as text: control characters, lone surrogates, noncharacters
# (https://html.spec.whatwg.org/multipage/parsing.html#preprocessing-the-input-stream).
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane + low) for plane in range(0, 0x110000, 0x10000) for low in (0xFFFE, 0xFFFF))
    + "]"
)


class Renderer:
    """Makes the pages of the site in `languages`, the first of which is the one that the root falls back to.

    `site_url` is the address the site is published under; with it, pages carry absolute canonical and hreflang links.
    `image_sources` are the origins that pages may show pictures from. With `cards`, a site that has an address shows a
    picture where a link to a paper's page unfolds.
    """

    def __init__(
        self,
        languages: Sequence[str],
        locales: Mapping[str, Locale],
        site_url: str | None = None,
        *,
        image_sources: Sequence[str] = IMAGE_SOURCES,
        cards: bool = True,
    ) -> None:
        self.languages = tuple(languages)
        self.locales = locales
        self.site_url = site_url.rstrip("/") if site_url else None
        self.image_sources = tuple(image_sources)
        self.draws_cards = cards and self.site_url is not None
        self._environment = Environment(
            loader=FileSystemLoader(PACKAGE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=printable,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            web_url=web_url,
            image_url=self._image_url,
            capitalized=capitalized,
            date_heading=date_heading,
            topic_token=topic_token,
            slug=slug,
            tex=formulas.typeset,
            tex_recorded=formulas.typeset_recorded,
            plain=formulas.plain,
            month_of=month_of,
            week_of=week_of,
        )

    def day_page(self, issue: DailyIssue, lang: str) -> str:
        """The page of one day, for `<lang>/d/YYYY-MM-DD.html`."""
        return self.page("day.html.j2", lang, f"d/{issue.date}.html", issue=issue, permalink=False)

    def period_page(self, period: Period, lang: str) -> str:
        """The page of a month or week, for `<lang>/m/YYYY-MM.html` or `<lang>/w/YYYY-Www.html`."""
        return self.page("period.html.j2", lang, period.span.path, period=period, span=period.span)

    def language_index(self, issue: DailyIssue | None, lang: str) -> str:
        """The first page of a language, for `<lang>/index.html`: the newest day with a paper, or that there is none."""
        if issue is None:
            return self.page("empty.html.j2", lang, "index.html")
        return self.page("day.html.j2", lang, "index.html", issue=issue, permalink=True)

    def root_index(self) -> str:
        """The site's `index.html`, which leads to a language."""
        locales = [self.locales[language] for language in self.languages]
        alternates = [
            (locale.html, self.absolute(f"{locale.code}/index.html")) for locale in locales
        ]
        return self._render(
            "root.html.j2",
            locales=locales,
            root="",
            canonical=self.absolute("index.html"),
            alternates=alternates,
        )

    def not_found(self) -> str:
        """The site's `404.html`, in every language. A server sends it below any path, so it names the path of the
        site's address; without one its links work for what is missing in the site's root alone."""
        base = f"{urlsplit(self.site_url).path}/" if self.site_url else None
        return self._render(
            "404.html.j2",
            locales=[self.locales[language] for language in self.languages],
            base=base,
        )

    def page(self, template: str, lang: str, path: str, **context: object) -> str:
        """`template` in the frame of a language; `path` is where the page stands below `<lang>/`."""
        locale = self.locales[lang]
        return self._render(
            template,
            locale=locale,
            say=partial(_say, locale),
            notes=partial(notes, locale),
            written=partial(written, locale),
            plural=partial(_plural, locale),
            english="" if locale.html == "en" else Markup(' lang="en"'),
            locales=[self.locales[language] for language in self.languages],
            root="../" * (path.count("/") + 1),
            path=path,
            canonical=self.absolute(f"{lang}/{path}"),
            alternates=[
                (self.locales[language].html, self.absolute(f"{language}/{path}"))
                for language in self.languages
            ],
            **context,
        )

    def _render(self, template: str, **context: object) -> str:
        return self._environment.get_template(template).render(
            site_url=self.site_url,
            image_sources=self.image_sources,
            other_days=other_days,
            topic_counts=topic_counts,
            institution_counts=institution_counts,
            **context,
        )

    def absolute(self, path: str) -> str:
        """The address of a file of the site, e.g. `en/archive.html`, where the site has one."""
        return f"{self.site_url}/{path}"

    def _image_url(self, url: str | None) -> str | None:
        """`url` when pages may show a picture from its origin, else None."""
        return url if url and web_url(url) and _origin(url) in self.image_sources else None


def static_files() -> dict[str, bytes]:
    """What pages load beside their HTML, by path below the site, e.g. `static/site.css`."""
    folder = PACKAGE / "static"
    return {
        f"static/{file.name}": file.read_bytes()
        for file in sorted(folder.iterdir())
        if file.is_file()
    }


def web_url(url: str | None) -> str | None:
    """`url` when it may be linked, that is, when it is a web address; else None. URLs of a feed can be anything."""
    return url if url and url.lower().startswith(("https://", "http://")) else None


def other_days(paper: IssuePaper, day: date) -> list[date]:
    """The other days that list a paper, but for the one it moved to, which its page names by itself."""
    return [
        listed for listed in sorted(set(paper.listed_on)) if listed not in (day, paper.moved_to)
    ]


def notes(locale: Locale, paper: IssuePaper) -> list[Markup]:
    """What is said below a paper's text: who wrote it, or why nobody has, and which topics and institutions are
    stand-ins; a sentence or two each."""
    text = paper.summaries.get(locale.code) or IssueText(state="pending", reason="not_built")
    said = []
    if text.source == "model":
        date_ = locale.short_date(text.created_at.date()) if text.created_at else ""
        said.append(
            _say(locale, "text.model", model=text.model, date=date_, prompt=text.prompt_version)
        )
    elif text.source == "hf_ai_summary":
        key = "text.hf_ai_summary_model" if text.model else "text.hf_ai_summary"
        said.append(_say(locale, key, model=text.model))
    elif paper.abstract:
        said.append(_say(locale, "text.abstract"))
    if text.state == "pending":
        said.append(_say(locale, f"pending.{text.reason}"))
    elif text.state == "failed":
        known = text.reason if text.reason in get_args(FailureReason) else "error"
        said.append(_say(locale, f"failed.{known}"))
    if paper.topics.names and paper.topics.source == "keywords":
        said.append(_say(locale, "paper.topics_keywords"))
    if paper.institutions and paper.institutions_source == "hf_organization":
        said.append(_say(locale, "paper.institutions_hf"))
    return said


def written(locale: Locale, text: str) -> Markup:
    """A text in the language of `locale` as its typography has it; a formula that it should hold is set."""
    return formulas.typeset(text, locale.set)


def topic_counts(papers: Iterable[IssuePaper]) -> list[tuple[str, int]]:
    """The topics of these papers as tokens and how many have each, most common first, then by name."""
    return _ranked(
        Counter(
            token
            for paper in papers
            for token in {topic_token(name) for name in paper.topics.names}
        )
    )


def institution_counts(papers: Iterable[IssuePaper]) -> list[tuple[str, str, int]]:
    """The slug, the first spelling and the number of papers of each institution, most common first, then by name."""
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for paper in papers:
        found = {slug(name): name for name in reversed(paper.institutions)}
        names = found | names
        counts.update(found.keys())
    ranked = _ranked(Counter({(names[key], key): count for key, count in counts.items()}))
    return [(key, name, count) for (name, key), count in ranked]


def capitalized(text: str) -> str:
    """`text` with its first letter in upper case and the rest as it is: a date at the start of a line."""
    return text[:1].upper() + text[1:]


def date_heading(text: str) -> str:
    """A long date that may break only behind the weekday's comma, so that a phone shows weekday over date."""
    weekday, comma, rest = text.partition(", ")
    return weekday + comma + rest.replace(" ", "\N{NO-BREAK SPACE}")


def topic_token(name: str) -> str:
    """A topic's name as one lower-case word of a `data-topics` attribute."""
    return "_".join(name.lower().split())


def _ranked(counts: Counter[_Name]) -> list[tuple[_Name, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _say(locale: Locale, key: str, **values: object) -> Markup:
    """A message with its values escaped, as the typography of its language has it. Messages themselves hold no markup,
    see `locales/`."""
    return Markup(
        locale.set(locale.text(key, **{name: escape(value) for name, value in values.items()}))
    )


def _plural(locale: Locale, key: str, count: int) -> str:
    """A number with its noun, as the typography of the language has it."""
    return locale.set(locale.plural(key, count))


def printable(value: object) -> object:
    """A value without the characters that HTML forbids; a text of the feed may hold any."""
    if not isinstance(value, str):
        return value
    # `isprintable` is many times faster than the expression, but takes every blank but one for unprintable.
    blank = (
        str(value)
        .replace("\n", " ")
        .replace("\N{NO-BREAK SPACE}", " ")
        .replace("\N{NARROW NO-BREAK SPACE}", " ")
    )
    if blank.isprintable() or not _UNPRINTABLE.search(value):
        return value
    clean = _UNPRINTABLE.sub("", value)
    return Markup(clean) if isinstance(value, Markup) else clean


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"
