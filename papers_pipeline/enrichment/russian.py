"""English words left in Russian prose."""

from collections.abc import Iterator, Sequence

import regex

from papers_pipeline.base.faults import Fault
from papers_pipeline.text.markup import MARKUP

MOST_QUOTED = 8
LONGEST_LINKING_WORD = 3

_LATIN_WORD = r"[\p{Latin}\d]+(?:[-‑–@'’_.+][\p{Latin}\d]+)*"
_LATIN_PHRASE = regex.compile(rf"{_LATIN_WORD}(?:[ \u00a0]{_LATIN_WORD})*")
_NAME_SIGN = regex.compile(r"[\p{Lu}\d._]")


def russian_faults(prose: str, paper_title: str, terms: frozenset[str]) -> Iterator[Fault]:
    """A fault that lists the lower-case Latin words that are neither names nor in `terms`.

    A word with a capital, a digit, a point or an underscore is a name or an abbreviation, and so is
    the first word of the paper's title. "Mixture of Experts" keeps its "of".
    """
    for pattern in MARKUP.values():
        prose = pattern.sub("\n", prose)
    system_name = regex.match(_LATIN_WORD, paper_title)
    allowed = terms | {system_name[0]} if system_name else terms
    foreign: list[str] = []
    for phrase in _LATIN_PHRASE.findall(prose):
        for word in _lower_case_words(regex.split(r"[ \u00a0]", phrase)):
            if word not in allowed and word not in foreign:
                foreign.append(word)
    if foreign:
        quoted = ", ".join(f'"{word}"' for word in foreign[:MOST_QUOTED])
        message = f"The Russian contains English words in lower case: {quoted}. Translate them."
        yield Fault("stranger_words", message, "style")


def _lower_case_words(phrase: Sequence[str]) -> Iterator[str]:
    """The words of a Latin phrase that are no names, letters of formulas or links inside a name."""
    names = [place for place, word in enumerate(phrase) if _NAME_SIGN.search(word)]
    for place, word in enumerate(phrase):
        if place in names or len(word) == 1:
            continue
        is_inside_name = bool(names) and names[0] < place < names[-1]
        if not (is_inside_name and len(word) <= LONGEST_LINKING_WORD):
            yield word
