"""Splits a text into sentences, and compares their number with what the prompt asks for."""

from collections.abc import Iterator

import regex

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.faults import Fault

SENTENCE_TOLERANCE = 1

# An abbreviation or a single letter before the full stop: the sentence may go on.
_OPEN_END = regex.compile(
    r"(?i)\b(?:vs|cf|e\.\s?g|i\.\s?e|et\s+al|figs?|eq|approx|resp"
    r"|т\.\s?[екн]|см|рис|табл|напр|ср|им|стр|гл|p\.\s?ej"
    r"|z\.\s?b|d\.\s?h|bzw|ca|vgl|abb)\.\s*$|[\p{Latin}\d]\.$"
)
_FIRST_WORD = regex.compile(r"[\p{L}\d]+")
_LOWER_CASE = regex.compile(r"\p{Ll}+")
_DIGIT_AFTER_STOP = regex.compile(r"(?<=[。！？])(?=\d)")
_QUOTATION_MARKS = regex.compile(r"[\"'`«»“”]")


def split_sentences(language: str, text: str) -> list[str]:
    """The sentences of a text in `language` (ISO 639-1), stripped."""
    from sentencex import segment

    # sentencex misses the sentence end in "。7B".
    spaced = _DIGIT_AFTER_STOP.sub(" ", one_line(text))
    sentences: list[str] = []
    for piece in segment(language, spaced):
        if sentences and _continues(sentences[-1], piece):
            sentences[-1] += piece
        else:
            sentences.append(str(piece))
    return [sentence.strip() for sentence in sentences]


def _continues(sentence: str, piece: str) -> bool:
    """Whether sentencex split one sentence in two, as it does after names and abbreviations.

    Examples are "Character.AI" and abbreviations that it does not know, such as "т. е. LLM".
    """
    if _OPEN_END.search(sentence):
        return True
    first = _FIRST_WORD.search(piece)
    return first is None or bool(_LOWER_CASE.fullmatch(first[0]))


def sentence_count_faults(language: str, text: str, asked: int | None) -> Iterator[Fault]:
    """A fault if the text is empty or if its number of sentences is not close to `asked`.

    Without `asked`, any number is good.
    """
    if not text.strip():
        yield Fault("empty", "The text is empty. Write it.")
        return
    # sentencex counts a quotation as one sentence, and reads two inch marks as a quotation.
    count = len(split_sentences(language, text))
    count_without_quotes = len(split_sentences(language, _QUOTATION_MARKS.sub("", text)))
    if asked is None:
        return
    distance = min(abs(count - asked), abs(count_without_quotes - asked))
    if distance > SENTENCE_TOLERANCE:
        found = max(count, count_without_quotes)
        noun = "sentence" if found == 1 else "sentences"
        message = f"The text has {found} {noun}. Write exactly {asked}."
        yield Fault("sentences", message, "style")
