"""What an answer of a language model must be before it is kept: pure functions from the answer to a verdict.

A fault is sent back to the model, so its text names what is wrong, quotes the piece and says what to do. A retry costs
money: where good prose and a mistake look alike, the rule passes both, or only warns.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence

import regex

from papers_pipeline.base.characters import bare, excerpt, graphemes
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.text.languages import detected_language, knows, likeliest_language
from papers_pipeline.text.markup import MARKUP, emoji_faults, form_faults
from papers_pipeline.text.numbers import number_warnings

# A model counts characters badly, and the site's layout bears a few more than the prompt asks for.
TITLE_TOLERANCE = 1.1
SENTENCE_TOLERANCE = 1
# A model that was made to repeat itself is not read to the end: the searches below are for a few sentences.
LONGEST_ANSWER = 4000
# How sure the detector has to be, from 0 to 1, of the text as a whole and of one foreign sentence inside it.
SURE_OF_SENTENCE = 0.99
SHORTEST_FOREIGN_SENTENCE = 30


def summary_verdict(
    *,
    language: str,
    title: str,
    text: str,
    emoji: str | None,
    wants_emoji: bool,
    limits: Mapping[str, int],
    abstract: str,
    paper_title: str,
    terms: frozenset[str],
) -> Verdict:
    """The verdict on one summary in ``language`` (ISO 639-1, a region such as ``pt-BR`` does not count).

    ``limits`` are the prompt's: ``sentences`` of the text and ``title_characters``; one that is missing is not held.
    ``terms`` are the Latin words that Russian prose may hold (``load_terms``).
    """
    for field, value in (("title", title), ("text", text)):
        if len(value) > LONGEST_ANSWER:
            return Verdict((f"The {field} has {len(value)} characters: write only what is asked.",))
    language = language.split("-")[0].lower()
    source = f"{paper_title}\n{abstract}"
    faults: list[str] = []
    if not abstract.strip():
        faults.append("There is no abstract to summarize: give no summary.")
    faults += _title_faults(title, paper_title, limits.get("title_characters"))
    for field, value in (("title", title), ("text", text)):
        faults += form_faults(field, value)
    faults += _sentence_faults(language, text, limits.get("sentences"))
    if wrong := _wrong_language(language, text):
        faults.append(wrong)
    else:
        faults += _foreign_faults(language, title, text, source)
        faults += russian_faults(f"{title}\n{text}", paper_title, terms) if language == "ru" else ()
    if wants_emoji:
        faults += emoji_faults(emoji)
    return Verdict(tuple(faults), tuple(number_warnings(f"{title}\n{text}", source)))


def topics_verdict(names: Sequence[str], allowed: Sequence[str], most: int) -> Verdict:
    """The verdict on the topics of a paper: at most ``most`` names, each from ``allowed`` as written there, none twice.
    An empty list is a good answer."""
    faults = []
    for name in dict.fromkeys(names):
        if name not in allowed:
            near = difflib.get_close_matches(
                name.strip("# ").upper().replace(" ", "_"), allowed, n=1
            )
            hint = (
                f"write {near[0]} if that is meant, or"
                if near
                else "take one of the list as written there, or"
            )
            faults.append(f'The topic "{excerpt(name)}" is not in the list: {hint} leave it out.')
        elif (times := list(names).count(name)) > 1:
            faults.append(f'The topic "{name}" is given {times} times: give it once.')
    if len(names) > most:
        faults.append(f"There are {len(names)} topics: keep the {most} that fit best.")
    return Verdict(tuple(faults))


_WIDE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_FULL_STOP = regex.compile(r"(?<![.。．])[.。．｡]\s*$")


def _title_faults(title: str, paper_title: str, most: int | None) -> Iterator[str]:
    if not title.strip():
        yield "The title is empty: write one."
        return
    length = _length(title.strip())
    if most is not None and length > most * TITLE_TOLERANCE:
        yield f'The title has {length} characters, at most {most} are asked: shorten "{excerpt(title)}".'
    if bare(title) == bare(paper_title):
        yield f'The title "{excerpt(title)}" is the paper\'s own: write a slogan that says what is new.'
    if _FULL_STOP.search(title):
        yield f'The title "{excerpt(title)}" ends with a full stop: leave it out.'


def _length(title: str) -> int:
    """The characters as a reader counts them; beside wide characters two narrow ones count as one, as in Chinese."""
    signs = graphemes(title)
    wide = sum(1 for sign in signs if _WIDE.match(sign))
    return wide + (len(signs) - wide + 1) // 2 if wide else len(signs)


_OPEN_END = regex.compile(
    r"(?i)\b(?:vs|cf|e\.\s?g|i\.\s?e|et\s+al|figs?|eq|approx|resp|т\.\s?[екн]|см|рис|табл|напр|ср|им|стр|гл|p\.\s?ej"
    r"|z\.\s?b|d\.\s?h|bzw|ca|vgl|abb)\.\s*$|[\p{Latin}\d]\.$"
)


def _sentences(language: str, text: str) -> list[str]:
    from sentencex import segment

    sentences: list[str] = []
    # The library sees no end in "。7B".
    spaced = regex.sub(r"(?<=[。！？])(?=\d)", " ", " ".join(text.split()))
    for piece in segment(language, spaced):
        first = regex.search(r"[\p{L}\d]+", piece)
        # The library breaks after abbreviations that it does not know and in names: "т. е. LLM", "Character.AI".
        if sentences and (
            _OPEN_END.search(sentences[-1]) or not first or regex.fullmatch(r"\p{Ll}+", first[0])
        ):
            sentences[-1] += piece
        else:
            sentences.append(str(piece))
    return [sentence.strip() for sentence in sentences]


def _sentence_faults(language: str, text: str, asked: int | None) -> Iterator[str]:
    if not text.strip():
        yield "The text is empty: write it."
        return
    # The library takes two marks of inches for a quotation, and a quotation for one sentence.
    counts = [
        len(_sentences(language, reading)) for reading in (text, regex.sub(r"[\"'`«»“”]", "", text))
    ]
    found = max(counts)
    if asked is not None and all(abs(count - asked) > SENTENCE_TOLERANCE for count in counts):
        yield f"The text has {found} sentence{'s' if found > 1 else ''}, {asked} are asked: write exactly {asked}."


_OWN = (
    "Cyrillic",
    "Arabic",
    "Hebrew",
    "Devanagari",
    "Bengali",
    "Tamil",
    "Telugu",
    "Thai",
    "Georgian",
    "Armenian",
)
_SCRIPTS = {name: rf"\p{{{name}}}" for name in _OWN} | {
    "Chinese": r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}"
}
# "LLМ" with a Cyrillic М looks right and is found by no search.
_MIXED = regex.compile(r"\b(?=\w*\p{Latin})(?=\w*\p{Cyrillic})\w+\b")
# Names and terms of papers are Latin: a text is taken for one in another script from this share of its letters on.
_SHARE_OF_SCRIPT = 0.2


def _wrong_language(language: str, text: str) -> str | None:
    found = detected_language(text)
    if found in (None, language) or not knows(language):
        return None
    return f"The text is in the language {found}, {language} is asked: write title and text in {language}."


def _foreign_faults(language: str, title: str, text: str, source: str) -> Iterator[str]:
    script = _script(text)
    foreign = regex.compile(
        rf"[\p{{L}}--[\p{{Latin}}\p{{Greek}}\p{{Common}}\p{{Inherited}}{_SCRIPTS.get(script, '')}]]+",
        flags=regex.V1,
    )
    for run in dict.fromkeys(str(run) for run in foreign.findall(f"{title}\n{text}")):
        if run not in source:
            yield f'"{excerpt(run)}" is in another script than the language {language}: write it in {language}.'
    if mixed := _MIXED.search(f"{title}\n{text}"):
        yield f'The word "{excerpt(mixed[0])}" mixes Latin and Cyrillic letters: write it in one alphabet.'
    if script in _SCRIPTS and title.strip() and not regex.search(f"[{_SCRIPTS[script]}]", title):
        yield f'The title "{excerpt(title)}" is not in the language {language}: write it in {language}.'
    for sentence in _sentences(language, text) if knows(language) else ():
        other, sure = likeliest_language(sentence)
        if (
            other != language
            and sure > SURE_OF_SENTENCE
            and len(sentence) >= SHORTEST_FOREIGN_SENTENCE
        ):
            yield f'The sentence "{excerpt(sentence)}" is in the language {other}: write it in {language}.'


def _script(text: str) -> str:
    letters = len(regex.findall(r"\p{L}", text))
    counts = {name: len(regex.findall(f"[{members}]", text)) for name, members in _SCRIPTS.items()}
    most = max(counts, key=lambda name: counts[name])
    return most if counts[most] >= letters * _SHARE_OF_SCRIPT else "Latin"


_WORD = r"[\p{Latin}\d]+(?:[-‑–@'’_.+][\p{Latin}\d]+)*"
_RUN = regex.compile(rf"{_WORD}(?:[ \u00a0]{_WORD})*")


def russian_faults(prose: str, paper_title: str, terms: frozenset[str]) -> Iterator[str]:
    """Lower-case Latin words that no term explains. A word with a capital, a digit, a point or an underscore inside is
    a name or an abbreviation, and so is the first word of the paper's title; Mixture of Experts keeps its "of"."""
    for pattern in MARKUP.values():
        prose = pattern.sub("\n", prose)
    name = regex.match(_WORD, paper_title)
    passing = terms | {name[0] if name else ""}
    strangers: list[str] = []
    for run in _RUN.findall(prose):
        words = regex.split(r"[ \u00a0]", run)
        named = [
            position for position, word in enumerate(words) if regex.search(r"[\p{Lu}\d._]", word)
        ]
        for position, word in enumerate(words):
            inside = bool(named) and named[0] < position < named[-1] and len(word) <= 3
            if len(word) > 1 and position not in named and not inside and word not in passing:
                strangers.append(word)
    if strangers:
        listed = ", ".join(f'"{word}"' for word in list(dict.fromkeys(strangers))[:8])
        yield f"The Russian holds English words in lower case, {listed}: put them into Russian."
