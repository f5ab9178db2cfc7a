"""A Chinese text for learners: its words, its vocabulary and its level."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import regex
from upath import UPath

from papers_pipeline.records import ReadingSentence, ReadingWord, VocabularyWord
from papers_pipeline.store import files as storage
from papers_pipeline.text import chinese

EASY, SIMPLE = 3, 5
"""Words up to HSK `SIMPLE` are simple. A vocabulary needs none of the words up to HSK `EASY`."""
LEAST_VOCABULARY, MOST_VOCABULARY = 10, 12
"""The words of a vocabulary. A text with more words that are not simple explains them all."""
LEVEL_SHARE = 0.9
"""The share of a text's listed words that its level must cover."""

_PUNCTUATION = str.maketrans("，。！？；：、（）“”‘’《》", ',.!?;:,()""\'\'""')
_NEEDLESS_SPACE = regex.compile(r" (?=[,.!?;:)])|(?<=\() ")


@dataclass(frozen=True)
class Reading:
    """Sentences cut into words, and their vocabulary in the order of the text.

    Running words are all the words of the text, with repetitions. `level` is the lowest HSK level
    (1 to 7) that covers `LEVEL_SHARE` of the running words in the syllabus. `simple_share` is the
    share of the running words in the syllabus that are simple. `hard` are the words that are not
    simple, each once, in the order of the text.
    """

    sentences: list[ReadingSentence]
    vocabulary: list[VocabularyWord]
    level: int
    simple_share: float
    hard: list[str]


def reading_version() -> str:
    """Hash of all that decides the result of `annotate`: this module and `text/chinese.py`."""
    return f"{storage.sha256(UPath(__file__))[:12]} {chinese.version()}"


def annotate(sentences: Sequence[str], chosen: Sequence[VocabularyWord] = ()) -> Reading:
    """The text with its words, vocabulary and level.

    Latin names and numbers do not count as running words. `chosen` is the vocabulary of a stored
    text: its words stay, and what is said about them is looked up anew.
    """
    cut_sentences = []
    running: list[chinese.Word] = []
    for sentence in sentences:
        words = chinese.words(sentence)
        cut_sentences.append(_sentence(sentence, words))
        running += [word for word in words if word.pinyin]
    listed = []
    for word in running:
        level = chinese.level(word.text)
        if level is not None:
            listed.append(level)
    difficulties = {word.text: chinese.difficulty(word.text) for word in running}
    hard = [text for text, difficulty in difficulties.items() if _is_above(difficulty, SIMPLE)]
    vocabulary = _renewed(chosen, running) if chosen else _vocabulary(running, difficulties)
    return Reading(
        sentences=cut_sentences,
        vocabulary=vocabulary,
        level=_text_level(listed),
        simple_share=_simple_share(listed),
        hard=hard,
    )


def _sentence(text: str, words: Sequence[chinese.Word]) -> ReadingSentence:
    return ReadingSentence(
        text=text, words=[ReadingWord(text=word.text, pinyin=word.pinyin) for word in words]
    )


def _vocabulary(
    running: Sequence[chinese.Word], difficulties: Mapping[str, int | None]
) -> list[VocabularyWord]:
    """The words to explain, in the order of the text.

    The hardest words go first: a reader cannot do without the meaning of those that are not simple.
    """
    first_uses = _first_uses(running)

    def hardness(text: str) -> int:
        difficulty = difficulties[text]
        return chinese.HSK_BAND + 1 if difficulty is None else difficulty

    hardest_first = sorted(first_uses, key=hardness, reverse=True)
    not_simple = sum(_is_above(difficulty, SIMPLE) for difficulty in difficulties.values())
    not_easy = sum(_is_above(difficulty, EASY) for difficulty in difficulties.values())
    most = max(not_simple, MOST_VOCABULARY)
    count = min(max(not_easy, LEAST_VOCABULARY), most)
    chosen = set(hardest_first[:count])
    return [_entry(word) for text, word in first_uses.items() if text in chosen]


def _renewed(
    chosen: Sequence[VocabularyWord], running: Sequence[chinese.Word]
) -> list[VocabularyWord]:
    """The same words with what the dictionaries say now.

    A word stays as it was if the text is cut otherwise now. It also stays if no dictionary had it,
    or none has it any more: translators were asked for the meanings of just these words.
    """
    first_uses = _first_uses(running)
    renewed = []
    for entry in chosen:
        word = first_uses.get(entry.word)
        new = _entry(word) if word else entry
        renewed.append(new if bool(new.meaning) == bool(entry.meaning) else entry)
    return renewed


def _first_uses(running: Sequence[chinese.Word]) -> dict[str, chinese.Word]:
    """The different words of a text, each as it stands there first."""
    first_uses: dict[str, chinese.Word] = {}
    for word in running:
        first_uses.setdefault(word.text, word)
    return first_uses


def _text_level(listed: Sequence[int]) -> int:
    """The level that covers `LEVEL_SHARE` of the words in the syllabus; 1 if it lists none."""
    if not listed:
        return 1
    return sorted(listed)[math.ceil(len(listed) * LEVEL_SHARE) - 1]


def _simple_share(listed: Sequence[int]) -> float:
    """The share of the words in the syllabus that are simple; 0 if it lists none."""
    if not listed:
        return 0.0
    return sum(level <= SIMPLE for level in listed) / len(listed)


def _is_above(level: int | None, most: int) -> bool:
    """Whether a word is harder than HSK `most`. A word of unknown level is."""
    return level is None or level > most


def _entry(word: chinese.Word) -> VocabularyWord:
    meaning, source = chinese.meaning(word) or (None, None)
    return VocabularyWord(
        word=word.text,
        pinyin=word.pinyin or "",
        level=chinese.level(word.text),
        meaning=meaning,
        source=source,
    )


def pinyin_of(sentence: ReadingSentence) -> str:
    """The sentence in pinyin, with Latin punctuation and an initial capital."""
    parts = []
    for word in sentence.words:
        if word.text.strip():
            parts.append(word.pinyin or word.text.translate(_PUNCTUATION))
    pinyin = str(_NEEDLESS_SPACE.sub("", " ".join(parts)))
    return pinyin[:1].upper() + pinyin[1:]
