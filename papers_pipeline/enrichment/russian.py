"""English words left in Russian prose."""

from collections.abc import Iterator, Sequence

import regex

from papers_pipeline.base.faults import Fault
from papers_pipeline.text.markup import without_markup

MOST_QUOTED = 8
LONGEST_LINKING_WORD = 3
LONGEST_GLOSS = 6
"""Words of an English term that explains a Russian one in brackets."""

_LATIN_WORD = r"[\p{Latin}\d]+(?:[-‑–@'’_.+][\p{Latin}\d]+)*"
_SPACE = r"[ \u00a0]"
_LATIN_PHRASE = regex.compile(rf"{_LATIN_WORD}(?:{_SPACE}{_LATIN_WORD})*")
_NAME_SIGN = regex.compile(r"[\p{Lu}\d._]")
# A term of the field that is named by what goes in and what comes out, or by how often.
_PATTERN_TERM = regex.compile(r"\w+(?:-to-\w+)+|\w+-shot")
_GLOSS = regex.compile(
    rf"(?<=[\p{{L}}\d»\"]{_SPACE})\((?:(?:англ|от\ англ)\.{_SPACE})?"
    rf"(?P<gloss>{_LATIN_WORD}(?:(?:{_SPACE}|,{_SPACE}){_LATIN_WORD}){{0,{LONGEST_GLOSS - 1}}})\)"
    rf"|(?:[«“\"„]|(?<!\w)')(?P<quoted>{_LATIN_WORD}(?:{_SPACE}{_LATIN_WORD})*)(?:[»”\"]|'(?!\w))"
)
_SUBJECT = regex.compile(rf"(?P<name>{_LATIN_WORD})\s*:")
_INTRODUCED = regex.compile(
    rf"(?i:\b(?:presents?|introduc(?:e|es|ing)|propos(?:e|es|ing)|releas(?:e|es|ing)|extends?))"
    rf"\s+(?P<name>{_LATIN_WORD})(?=,\s+(?:an?|the|our)\b|\s+\()"
    rf"|(?i:\b(?:call(?:ed)?|named|dubbed|termed)\b)\s+(?:(?:it|this|the\s+\w+)\s+)?"
    rf"(?P<called>{_LATIN_WORD})(?=[,.:;)]|\s+\()"
    rf"|(?:`+|\\texttt\{{)(?P<typed>{_LATIN_WORD})(?:[`'’]+|\}})"
)
_BENCHMARK = regex.compile(r"(?<![\w-])\w+-(?:bench|gym|arena|eval)(?![\w-])")
# Endings of ordinary English words. No name in lower case that we saw has one.
_ENGLISH_END = regex.compile(
    r"(?:ing|tions?|sions?|ed|ly|ments?|ive|able|ible|ness|ity|ous|ful|less|al|ism|ics?|ance|ence)$"
)


def russian_faults(
    prose: str, terms: frozenset[str], *, title: str = "", abstract: str = ""
) -> Iterator[Fault]:
    """A fault that lists the English words that the Russian should not have.

    An English word is good where a Russian editor leaves it:

    - a name or an abbreviation: it has a capital, a digit, a point or an underscore;
    - a short word inside a name, as in "Mixture of Experts", and any word inside a name that the
      title or the abstract has word for word, "Reinforcement Learning from Human Feedback";
    - a gloss in brackets after the Russian term, «взлома (jailbreak)», and a quotation in quotation
      marks, if the title or the abstract has its words;
    - a name in lower case, such as `verl`: see `_lower_case_names`;
    - one of `terms`, and terms such as text-to-video or few-shot.
    """
    source = f"{title}\n{abstract}"
    prose = _GLOSS.sub(lambda found: _kept(found, source), without_markup(prose))
    allowed = terms | _lower_case_names(source)
    foreign: list[str] = []
    for phrase in _LATIN_PHRASE.findall(prose):
        for word in _lower_case_words(phrase, source):
            if word in allowed or word in foreign or _PATTERN_TERM.fullmatch(word):
                continue
            foreign.append(word)
    if foreign:
        quoted = ", ".join(f'"{word}"' for word in foreign[:MOST_QUOTED])
        message = f"The Russian contains English words in lower case: {quoted}. Translate them."
        yield Fault("stranger_words", message, "style")


def _kept(found: "regex.Match[str]", source: str) -> str:
    """Nothing for a gloss or a quotation of words of the source; otherwise what was found."""
    words = regex.findall(r"\p{Latin}+", (found["gloss"] or found["quoted"]).lower())
    known = regex.findall(r"\p{Latin}+", source.lower())
    is_known = all(any(_is_form(word, other) for other in known) for word in words)
    return " " if is_known else str(found[0])


def _is_form(word: str, other: str) -> bool:
    """Whether two words are forms of one: jailbreak, jailbreaks and jailbreaking."""
    stem = word[: max(4, len(word) - 3)]
    return word == other or (len(stem) >= 4 and other.startswith(stem))


def _lower_case_names(source: str) -> set[str]:
    """The words of the source that are names although they have no capital.

    The source sets such a word before the colon of its title or in typewriter type, or says "we
    present verl, a library" or "called verl"; or it ends like a benchmark, tau-bench. Except
    for a benchmark, a word that ends like an ordinary English one, -ing or -tion, is none.
    """
    names = [
        found["name"] or found["called"] or found["typed"] for found in _INTRODUCED.finditer(source)
    ]
    subject = _SUBJECT.match(source)
    if subject:
        names.append(subject["name"])
    sure = {name for name in names if not _ENGLISH_END.search(name)}
    return sure.union(_BENCHMARK.findall(source))


def _lower_case_words(phrase: str, source: str) -> Iterator[str]:
    """The words of a Latin phrase that are no names, letters of formulas or links inside a name."""
    words = regex.split(_SPACE, phrase)
    names = [place for place, word in enumerate(words) if _NAME_SIGN.search(word)]
    for place, word in enumerate(words):
        if place in names or len(word) == 1:
            continue
        is_inside_name = bool(names) and names[0] < place < names[-1]
        if not (is_inside_name and _is_link(word, words[names[0] : names[-1] + 1], source)):
            yield word


def _is_link(word: str, name: Sequence[str], source: str) -> bool:
    spaced = " ".join(regex.split(r"\s+", source)).lower()
    return len(word) <= LONGEST_LINKING_WORD or " ".join(name).lower() in spaced
