"""What of a paper's full text a model is given, and how its answer names the sections."""

from collections.abc import Sequence

import regex

from papers_pipeline.base.characters import bare
from papers_pipeline.records import Section

CUT = "[…]"
"""Stands where the rest of a section is left out."""

_LEFT_OUT = regex.compile(
    r"(?i)(?:abstract|(?:table of )?contents|acknowledge?ments?\b.*"
    r"|(?:authors?['’]? )?contributions?|(?:conflicts? of|competing) interests?\b.*"
    r"|(?:neurips )?(?:paper )?checklist)\.?"
)
_END_OF_BODY = regex.compile(r"(?i)references\b.*|bibliography")
_LIMITATIONS = regex.compile(r"(?i)\blimitations?\b")
_NUMBER = regex.compile(r"(?P<number>\d{1,2}|[IVX]{1,6}|[A-Z])(?:[.:]\s*|\s+)(?=\S)")
_SENTENCE_END = regex.compile(r"[.!?][)\]\"”’]*(?=\s)|\n")
_WORD_FOR_SECTION = regex.compile(r"(?i)\s*(?:§|sections?\b|sect?\.)\s*")


def body(sections: Sequence[Section]) -> list[Section]:
    """The sections of a paper's body.

    The abstract, acknowledgements, references and appendices are left out; an appendix about
    limitations stays.
    """
    found = []
    is_before_references = True
    for section in sections:
        name = _NUMBER.sub("", section.title.strip(), count=1)
        if _END_OF_BODY.fullmatch(name):
            is_before_references = False
        elif _LEFT_OUT.fullmatch(name) or not section.text.strip():
            continue
        elif is_before_references or _LIMITATIONS.search(name):
            found.append(section)
    return found


def trimmed(sections: Sequence[Section], characters: int) -> list[Section]:
    """The sections with at most `characters` of text in all.

    Short ones stay whole, and all longer ones are cut to one length, at the end of a sentence.
    """
    longest = _longest([len(section.text) for section in sections], characters)
    return [Section(title=section.title, text=_cut(section.text, longest)) for section in sections]


def named_section(reference: str, titles: Sequence[str]) -> str | None:
    """The heading that a reference means; None if the paper has no such section.

    A reference is the heading as printed, or without its number, or the number alone, and may begin
    with the word section. Case, spaces and punctuation do not matter.
    """
    wanted = bare(_WORD_FOR_SECTION.sub("", reference, count=1))
    if not wanted:
        return None
    for title in titles:
        if bare(title) == wanted:
            return title
    for title in titles:
        number = _NUMBER.match(title)
        if number and wanted in (bare(number["number"]), bare(title[number.end() :])):
            return title
    return None


def _longest(lengths: Sequence[int], characters: int) -> int:
    """The length to which sections are cut, so that all together have at most `characters`."""
    left = characters
    ordered = sorted(lengths)
    for place, length in enumerate(ordered):
        share = left // (len(ordered) - place)
        if length > share:
            return share
        left -= length
    return max(ordered, default=0)


def _cut(text: str, most: int) -> str:
    """The text up to the last sentence that ends within `most` characters."""
    if len(text) <= most:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text[: most - len(CUT)])]
    end = ends[-1] if ends else max(0, most - len(CUT) - 1)
    return f"{text[:end].rstrip()} {CUT}"
