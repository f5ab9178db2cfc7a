"""The glossary of a language, `prompts/terms.<language>.yaml`: how it writes terms, and what never.

The file is a list of entries of two kinds:

- a term: `term` in English, `write`, how the language writes it, and optionally `never`. The prompt
  shows it for papers whose title or abstract has the term, and only their texts are checked. With
  `beside`, the source must also have one of these English words: a student is a pupil model next to
  a teacher, and a person elsewhere.
- a ban: `rule`, its name, `never`, and `advice`, an English sentence that is sent to the model. It
  holds for every text.

Either may have `allowed`: longer forms that contain one of `never` and are good.

Terms and forms are words, without regard to case. A star stands for the rest of a word in lower
case, so that one stem has all its endings and no name is hit. A blank also stands for a hyphen or a
run of blanks. An English term may have a plural s.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import regex
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from papers_pipeline.prompts.topics import validation_faults

_MEANINGLESS = regex.compile(r"[\s*\-]*")
_STAR = r"(?-i:[\p{Ll}\p{M}]*)"
_OPENING, _CLOSING = "«“„‘「『\"'", "»”“’」』\"'"
# Chinese has no blanks, so its words may touch others.
_EDGE = r"[[\p{L}\p{N}_]--\p{Han}]"


class GlossaryError(ValueError):
    """An unusable glossary; the message names the entry and its fault."""


class Term(BaseModel):
    """An entry of a glossary, as the module describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    term: str = ""
    beside: tuple[str, ...] = ()
    write: str = ""
    rule: str = Field("calque", pattern=r"^[a-z_]+$")
    never: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    advice: str = ""

    def concerns(self, source: str) -> bool:
        """Whether the English source is about the term. A ban concerns every source."""
        if not self.term:
            return True
        if not _pattern(self.term, "s?").search(source):
            return False
        return not self.beside or any(_pattern(word, "s?").search(source) for word in self.beside)

    def misused(self, text: str) -> list[str]:
        """The forms in the text that are never to be written, each once and as it stands there."""
        good: set[int] = set()
        for form in self.allowed:
            for match in _pattern(form).finditer(_folded(text)):
                good.update(range(*match.span()))
        found = []
        for form in self.never:
            for match in _pattern(form).finditer(_folded(text)):
                if match.start() not in good and not _is_mentioned(text, *match.span()):
                    found.append(text[match.start() : match.end()])
        return list(dict.fromkeys(found))


def load_glossary(text: str) -> tuple[Term, ...]:
    """The entries of a YAML text. Raises GlossaryError for an entry that could not work."""
    try:
        entries = yaml.load(text, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise GlossaryError(f"not YAML: {error}") from error
    if not isinstance(entries, list):
        raise GlossaryError(f"expected a list of terms, found {type(entries).__name__}")
    terms = []
    for position, entry in enumerate(entries, start=1):
        terms.append(_parse(position, entry))
    names = [term.term for term in terms if term.term]
    for name in names:
        if names.count(name) > 1:
            raise GlossaryError(f"the term {name!r} is listed {names.count(name)} times")
    return tuple(terms)


def named_in(terms: Iterable[Term], *sources: str) -> list[Term]:
    """The terms that the sources, such as a title and an abstract, are about."""
    source = "\n".join(sources)
    return [term for term in terms if term.concerns(source)]


def _parse(position: int, entry: Any) -> Term:
    name = f"entry {position}"
    if isinstance(entry, dict):
        name += f" ({entry.get('term') or entry.get('rule')})"
    try:
        term = Term.model_validate(entry)
    except ValidationError as error:
        raise GlossaryError(f"{name}: {validation_faults(error)}") from None
    if term.term and not term.write:
        raise GlossaryError(f"{name}: write: say how the term is written")
    if not term.term and not (term.never and term.advice):
        raise GlossaryError(f"{name}: an entry without a term needs never and advice")
    for form in (*term.beside, *term.never, *term.allowed):
        if _MEANINGLESS.fullmatch(form):
            raise GlossaryError(f"{name}: {form!r} matches anything: write at least a stem")
    return term


def _folded(text: str) -> str:
    """The text with ё as е, character by character: both spellings are one word."""
    return text.replace("ё", "е").replace("Ё", "Е")


def _is_mentioned(text: str, start: int, end: int) -> bool:
    """Whether the form stands in quotation marks of its own: a study of the word “we” names it."""
    return text[:start][-1:] in tuple(_OPENING) and text[end : end + 1] in tuple(_CLOSING)


@cache
def _pattern(form: str, ending: str = "") -> Any:
    """The pattern of a term or form, which may have the ending."""
    words = regex.split(r"[\s\-]+", _folded(form).strip())
    body = r"[\s\-‑–]+".join(regex.escape(word).replace(r"\*", _STAR) for word in words)
    start = "" if regex.match(r"\p{Han}|\W", form) else f"(?<!{_EDGE})"
    end = "" if regex.search(r"(?:\p{Han}|[^\w*])$", form) else f"{ending}(?!{_EDGE})"
    return regex.compile(f"{start}{body}{end}", regex.IGNORECASE | regex.V1)
