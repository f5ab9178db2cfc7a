"""Faults of an answer in the wrong language, or with foreign words, letters or sentences in it."""

from collections.abc import Iterator

import regex

from papers_pipeline.base.characters import excerpt
from papers_pipeline.base.faults import Fault
from papers_pipeline.enrichment.sentences import split_sentences
from papers_pipeline.text.languages import detected_language, knows, likeliest_language

# The detector's confidence, from 0 to 1, from which a single sentence counts as foreign.
SURE_OF_SENTENCE = 0.99
# In characters: the detector guesses at anything shorter.
SHORTEST_FOREIGN_SENTENCE = 30
# Names and terms in papers are Latin, so a text counts as written in another script if at least
# this share of its letters is.
_SHARE_OF_SCRIPT = 0.2

# Members of a character class, by script.
_SCRIPTS = {
    "Cyrillic": r"\p{Cyrillic}",
    "Arabic": r"\p{Arabic}",
    "Hebrew": r"\p{Hebrew}",
    "Devanagari": r"\p{Devanagari}",
    "Bengali": r"\p{Bengali}",
    "Tamil": r"\p{Tamil}",
    "Telugu": r"\p{Telugu}",
    "Thai": r"\p{Thai}",
    "Georgian": r"\p{Georgian}",
    "Armenian": r"\p{Armenian}",
    "Chinese": r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}",
}
_ALWAYS_ALLOWED = r"\p{Latin}\p{Greek}\p{Common}\p{Inherited}"
# "LLМ" with a Cyrillic М looks right, but no search finds it.
_MIXED = regex.compile(r"\b(?=\w*\p{Latin})(?=\w*\p{Cyrillic})\w+\b")


def wrong_language_fault(language: str, text: str) -> Fault | None:
    """The fault of a text that is not in `language`; None if it is or its language is unclear.

    Languages are ISO 639-1 codes. A language that the detector does not know is never a fault.
    """
    found = detected_language(text)
    if found in (None, language) or not knows(language):
        return None
    message = (
        f"The text is in the language {found}, not {language}. "
        f"Write the title and the text in {language}."
    )
    return Fault("language", message)


def foreign_text_faults(language: str, title: str, text: str, source: str) -> Iterator[Fault]:
    """Foreign words, letters and sentences in a summary whose text as a whole is in `language`.

    Words in another script may be quoted from `source`, the paper's title and abstract.
    """
    summary = f"{title}\n{text}"
    has_letters = regex.search(r"\p{L}", text)
    script = _script(text if has_letters else title)
    allowed = _ALWAYS_ALLOWED + _SCRIPTS.get(script, "")
    foreign = regex.compile(rf"[\p{{L}}--[{allowed}]]+", flags=regex.V1)
    for word in dict.fromkeys(foreign.findall(summary)):
        if word not in source:
            message = (
                f'"{excerpt(word)}" is in another script than the language {language}. '
                f"Write it in {language}."
            )
            yield Fault("script", message)
    mixed = _MIXED.search(summary)
    if mixed:
        message = (
            f'The word "{excerpt(mixed[0])}" mixes Latin and Cyrillic letters. Use one alphabet.'
        )
        yield Fault("script", message)
    if script in _SCRIPTS and title.strip() and not regex.search(f"[{_SCRIPTS[script]}]", title):
        message = f'The title "{excerpt(title)}" is not in the language {language}. Translate it.'
        yield Fault("language", message)
    if knows(language):
        yield from _foreign_sentence_faults(language, text)


def _foreign_sentence_faults(language: str, text: str) -> Iterator[Fault]:
    for sentence in split_sentences(language, text):
        if len(sentence) < SHORTEST_FOREIGN_SENTENCE:
            continue
        found, confidence = likeliest_language(sentence)
        if found != language and confidence > SURE_OF_SENTENCE:
            message = (
                f'The sentence "{excerpt(sentence)}" is in the language {found}. '
                f"Write it in {language}."
            )
            yield Fault("language", message)


def _script(text: str) -> str:
    """The script that the text is written in, apart from Latin names; Latin if it has no other."""
    most_common = "Latin"
    most = 0
    for script, members in _SCRIPTS.items():
        count = len(regex.findall(f"[{members}]", text))
        if count > most:
            most_common, most = script, count
    letters = len(regex.findall(r"\p{L}", text))
    return most_common if most >= letters * _SHARE_OF_SCRIPT else "Latin"
