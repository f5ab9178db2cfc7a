"""`Renderer` makes the HTML of the site; `static_files` are the files that its pages load.

Links inside the site are relative, so it works under any sub-path and from a local folder.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from babel.lists import format_list
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from papers_pipeline.base.characters import NONCHARACTERS
from papers_pipeline.records import (
    DailyIssue,
    FailureReason,
    IssueAnswer,
    IssuePaper,
    IssueReadingTask,
    IssueText,
    IssueTranslation,
    PendingReason,
)
from papers_pipeline.site.periods import Period, month_of, week_of
from papers_pipeline.site.slugs import slug
from papers_pipeline.site.week_in_lines import WeekInLines
from papers_pipeline.text import formulas
from papers_pipeline.text.links import web_url
from papers_pipeline.text.locales import Locale

PACKAGE = Path(__file__).parent
IMAGE_SOURCES = (
    "https://cdn-thumbnails.huggingface.co",
    "https://arxiv.org",
    "https://export.arxiv.org",
)
"""Origins that pages may load images from, in the form of a Content-Security-Policy."""

# What HTML forbids as text: control characters, lone surrogates, noncharacters
# (https://html.spec.whatwg.org/multipage/parsing.html#preprocessing-the-input-stream).
_UNPRINTABLE = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff{NONCHARACTERS}]")

LANGUAGE = "{language}"
"""Stands for a language's code in addresses where readers subscribe."""


class Renderer:
    """Makes the pages of the site.

    - `languages`: codes of the site's languages; the root falls back to the first.
    - `site_url`: the address of the published site. With it, pages have absolute canonical and
      hreflang links.
    - `image_sources`: origins that pages may load images from.
    - `follow`: where readers can subscribe to the digest in a language, by channel.
    - `ask`: addresses that open an assistant with a question, by the assistant's name; `{question}`
      stands for the question.
    - `cards`: whether to draw a card for links to paper pages. Needs `site_url`.
    """

    def __init__(
        self,
        languages: Sequence[str],
        locales: Mapping[str, Locale],
        site_url: str | None = None,
        *,
        image_sources: Sequence[str] = IMAGE_SOURCES,
        follow: Mapping[str, str] | None = None,
        ask: Mapping[str, str] | None = None,
        cards: bool = True,
    ) -> None:
        self.languages = tuple(languages)
        self.locales = locales
        self.site_url = site_url.rstrip("/") if site_url else None
        self.image_sources = tuple(image_sources)
        self.follow = dict(follow or {})
        self.ask = dict(ask or {})
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

    @property
    def appearance(self) -> Sequence[object]:
        """What shapes pages beside their data and the code: part of their fingerprints."""
        return [self.site_url, self.languages, self.follow, self.ask]

    def day_page(self, issue: DailyIssue, lang: str) -> str:
        """The page of one day, for `<lang>/d/YYYY-MM-DD.html`."""
        return self.page("day.html.j2", lang, f"d/{issue.date}.html", issue=issue, permalink=False)

    def period_page(self, period: Period, lang: str) -> str:
        """The page of a month or week, for `<lang>/m/YYYY-MM.html` or `<lang>/w/YYYY-Www.html`."""
        return self.page("period.html.j2", lang, period.span.path, period=period, span=period.span)

    def language_index(
        self, issue: DailyIssue | None, lang: str, week: WeekInLines | None = None
    ) -> str:
        """The front page, for `<lang>/index.html`: the newest day with a paper, or a note."""
        if issue is None:
            return self.page("empty.html.j2", lang, "index.html")
        return self.page(
            "front.html.j2", lang, "index.html", issue=issue, week=week, permalink=True
        )

    def root_index(self) -> str:
        """The site's `index.html`, which redirects to a language."""
        locales = [self.locales[language] for language in self.languages]
        return self._render(
            "root.html.j2",
            locales=locales,
            root="",
            canonical=self.absolute("index.html"),
            alternates=self._alternates("index.html"),
        )

    def not_found(self) -> str:
        """The site's `404.html`, in all languages.

        A server sends it for any path, so its base is the path of the site's address. Without an
        address its links work only for files missing in the root.
        """
        base = f"{urlsplit(self.site_url).path}/" if self.site_url else None
        return self._render(
            "404.html.j2",
            locales=[self.locales[language] for language in self.languages],
            base=base,
        )

    def page(self, template: str, lang: str, path: str, **context: object) -> str:
        """The template rendered in a language. `path` is the page's path below `<lang>/`."""
        locale = self.locales[lang]
        return self._render(
            template,
            locale=locale,
            say=partial(_say, locale),
            notes=partial(notes, locale),
            unverified=partial(unverified, locale),
            written=partial(written, locale),
            plural=partial(_plural, locale),
            english="" if locale.html == "en" else Markup(' lang="en"'),
            locales=[self.locales[language] for language in self.languages],
            root="../" * (path.count("/") + 1),
            path=path,
            canonical=self.absolute(f"{lang}/{path}"),
            alternates=self._alternates(path),
            follow=[(channel, url.replace(LANGUAGE, lang)) for channel, url in self.follow.items()],
            **context,
        )

    def _render(self, template: str, **context: object) -> str:
        return self._environment.get_template(template).render(
            site_url=self.site_url,
            image_sources=self.image_sources,
            other_days=other_days,
            topic_counts=topic_counts,
            unverified_count=unverified_count,
            institution_counts=institution_counts,
            **context,
        )

    def absolute(self, path: str) -> str:
        """The URL of a file of the site, e.g. `en/archive.html`; the site must have an address."""
        return f"{self.site_url}/{path}"

    def _alternates(self, path: str) -> list[tuple[str, str]]:
        """The HTML language and URL of a page in every language."""
        alternates = []
        for language in self.languages:
            url = self.absolute(f"{language}/{path}")
            alternates.append((self.locales[language].html, url))
        return alternates

    def _image_url(self, url: str | None) -> str | None:
        """`url` if pages may load images from its origin, else None."""
        if url and web_url(url) and _origin(url) in self.image_sources:
            return url
        return None


def static_files() -> dict[str, bytes]:
    """Scripts, style sheet and icon, by path below the site's root, e.g. `static/site.css`."""
    found = {}
    for file in sorted((PACKAGE / "static").iterdir()):
        if file.is_file():
            found[f"static/{file.name}"] = file.read_bytes()
    return found


def other_days(paper: IssuePaper, day: date) -> list[date]:
    """The other days that list a paper, except the one it moved to, which its page names anyway."""
    return sorted(set(paper.listed_on) - {day, paper.moved_to})


def notes(locale: Locale, paper: IssuePaper) -> list[Markup]:
    """The notes below a paper's text, a sentence or two each.

    They say who wrote the text or why it is missing, and whether topics or institutions are
    stand-ins.
    """
    text = paper.summaries.get(locale.code) or IssueText(state="pending", reason="not_built")
    sentences = []
    if text.source == "model":
        written_on = locale.short_date(text.created_at.date()) if text.created_at else ""
        sentence = _say(
            locale, "text.model", model=text.model, date=written_on, prompt=text.prompt_version
        )
        sentences.append(sentence)
    elif text.source == "hf_ai_summary":
        key = "text.hf_ai_summary_model" if text.model else "text.hf_ai_summary"
        sentences.append(_say(locale, key, model=text.model))
    elif paper.abstract:
        sentences.append(_say(locale, "text.abstract"))
    if text.state != "done":
        sentences.append(_say(locale, f"{text.state}.{reason_code(text)}"))
    if paper.topics.names and paper.topics.source == "keywords":
        sentences.append(_say(locale, "paper.topics_keywords"))
    if paper.institutions and paper.institutions_source == "hf_organization":
        sentences.append(_say(locale, "paper.institutions_hf"))
    return sentences


def unverified(
    locale: Locale, text: IssueAnswer | None, message: str = "text.unverified"
) -> Markup | None:
    """The mark of a text that says something which its source does not; None if it needs none."""
    if text is None or not text.unverified:
        return None
    found = format_list(text.unverified, style="or", locale=locale.babel)
    return _say(locale, message, found=found)


def unverified_count(papers: Iterable[IssuePaper], language: str) -> int:
    """The number of the papers' texts and notes in the language with something unverified."""
    count = 0
    for paper in papers:
        for text in (paper.summaries.get(language), paper.notes.get(language)):
            count += bool(text and text.unverified)
    return count


def reason_code(text: IssueText | IssueReadingTask | IssueTranslation) -> str:
    """The code of the reason that a text is missing; always one that the locales explain."""
    if text.state == "failed":
        known, fallback = get_args(FailureReason), "error"
    else:
        known, fallback = get_args(PendingReason), "not_built"
    return str(text.reason) if text.reason in known else fallback


def written(locale: Locale, text: str) -> Markup:
    """A text in the locale's language and typography, its formulas typeset."""
    return formulas.typeset(text, locale.set)


def topic_counts(papers: Iterable[IssuePaper]) -> list[tuple[str, int]]:
    """The topics of these papers as tokens, and the papers of each, most papers first."""
    counts: Counter[str] = Counter()
    for paper in papers:
        counts.update({topic_token(name) for name in paper.topics.names})
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def institution_counts(papers: Iterable[IssuePaper]) -> list[tuple[str, str, int]]:
    """The slug, first spelling and number of papers of each institution, in the same order."""
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for paper in papers:
        slugs = set()
        for name in paper.institutions:
            names.setdefault(slug(name), name)
            slugs.add(slug(name))
        counts.update(slugs)
    ranked = sorted(counts, key=lambda key: (-counts[key], names[key], key))
    return [(key, names[key], counts[key]) for key in ranked]


def capitalized(text: str) -> str:
    """The text with its first letter in upper case, for the start of a line."""
    return text[:1].upper() + text[1:]


def date_heading(text: str) -> str:
    """A long date that breaks only after the weekday's comma: a phone shows weekday over date."""
    weekday, comma, rest = text.partition(", ")
    return weekday + comma + rest.replace(" ", "\N{NO-BREAK SPACE}")


def topic_token(name: str) -> str:
    """A topic's name as one lower-case word, for URLs and the `data-topics` attribute."""
    return "_".join(name.lower().split())


def _say(locale: Locale, key: str, **values: object) -> Markup:
    """A message in its language's typography, its values escaped.

    Messages themselves have no markup, see `locales/`.
    """
    escaped = {name: escape(value) for name, value in values.items()}
    return Markup(locale.set(locale.text(key, **escaped)))


def _plural(locale: Locale, key: str, count: int) -> str:
    """A number with its noun, in the language's typography."""
    return locale.set(locale.plural(key, count))


def printable(value: object) -> object:
    """The value without characters that HTML forbids; a text from the feed can have any."""
    if not isinstance(value, str):
        return value
    # `isprintable` is many times faster than the expression, but accepts no space but U+0020.
    spaced = str(value)
    for space in ("\n", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"):
        spaced = spaced.replace(space, " ")
    if spaced.isprintable() or not _UNPRINTABLE.search(value):
        return value
    clean = _UNPRINTABLE.sub("", value)
    return Markup(clean) if isinstance(value, Markup) else clean


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"
