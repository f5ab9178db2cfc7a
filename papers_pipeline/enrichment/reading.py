"""A Chinese text for learners: its words, its vocabulary and its level."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import regex
from upath import UPath

from papers_pipeline.records import ReadingSentence, ReadingWord, VocabularyWord
from papers_pipeline.store import files as storage
from papers_pipeline.text import chinese

EASY, SIMPLE = 3, 5
"""Words up to HSK `EASY` stay out of the vocabulary; words up to HSK `SIMPLE` are simple."""
MOST_VOCABULARY = 25
LEVEL_SHARE = 0.9
"""The share of a text's listed words that its level must cover."""

_PUNCTUATION = str.maketrans("，。！？；：、（）“”‘’《》", ',.!?;:,()""\'\'""')
_NEEDLESS_SPACE = regex.compile(r" (?=[,.!?;:)])|(?<=\() ")


@dataclass(frozen=True)
class Reading:
    """Sentences cut into words, and their vocabulary in the order of the text.

    Running words are all the words of the text, with repetitions. `level` is the lowest HSK level
    (1 to 7) that covers `LEVEL_SHARE` of the running words in the syllabus. `hard` are the running
    words that are neither simple nor in the vocabulary.
    """

    sentences: list[ReadingSentence]
    vocabulary: list[VocabularyWord]
    level: int
    running_words: int
    hard: list[str]

    @property
    def known_share(self) -> float:
        """The share of the running words that are simple or in the vocabulary."""
        return 1 - len(self.hard) / self.running_words if self.running_words else 0.0


def reading_version() -> str:
    """Hash of all that decides the result of `annotate`: this module and `text/chinese.py`."""
    return f"{storage.sha256(UPath(__file__))[:12]} {chinese.version()}"


def annotate(sentences: Sequence[str]) -> Reading:
    """The text with its words, vocabulary and level.

    Latin names and numbers do not count as running words.
    """
    cut_sentences = []
    running: list[chinese.Word] = []
    for sentence in sentences:
        words = chinese.words(sentence)
        cut_sentences.append(_sentence(sentence, words))
        running += [word for word in words if word.pinyin]
    levels = {word.text: chinese.level(word.text) for word in running}
    vocabulary = _vocabulary(running, levels)
    explained = {word.word for word in vocabulary}
    hard = []
    for word in running:
        if word.text not in explained and _is_above(levels[word.text], SIMPLE):
            hard.append(word.text)
    return Reading(
        sentences=cut_sentences,
        vocabulary=vocabulary,
        level=_text_level(levels[word.text] for word in running),
        running_words=len(running),
        hard=hard,
    )


def _sentence(text: str, words: Sequence[chinese.Word]) -> ReadingSentence:
    return ReadingSentence(
        text=text, words=[ReadingWord(text=word.text, pinyin=word.pinyin) for word in words]
    )


def _vocabulary(
    running: Sequence[chinese.Word], levels: Mapping[str, int | None]
) -> list[VocabularyWord]:
    """The words to explain, at most `MOST_VOCABULARY`, in the order of the text."""
    candidates: dict[str, chinese.Word] = {}
    for word in running:
        if _is_above(levels[word.text], EASY):
            candidates.setdefault(word.text, word)
    # A reader cannot do without the meaning of the words that are not simple, so they go first.
    hardest_first = sorted(candidates, key=lambda text: not _is_above(levels[text], SIMPLE))
    chosen = set(hardest_first[:MOST_VOCABULARY])
    return [_entry(word, levels[text]) for text, word in candidates.items() if text in chosen]


def _text_level(levels: Iterable[int | None]) -> int:
    """The level that covers `LEVEL_SHARE` of the words in the syllabus; 1 if it lists none."""
    listed = sorted(level for level in levels if level is not None)
    if not listed:
        return 1
    return listed[math.ceil(len(listed) * LEVEL_SHARE) - 1]


def _is_above(level: int | None, most: int) -> bool:
    """Whether a word is harder than HSK `most`. A word outside the syllabus is."""
    return level is None or level > most


def _entry(word: chinese.Word, level: int | None) -> VocabularyWord:
    meaning, source = chinese.meaning(word) or (None, None)
    return VocabularyWord(
        word=word.text, pinyin=word.pinyin or "", level=level, meaning=meaning, source=source
    )


def pinyin_of(sentence: ReadingSentence) -> str:
    """The sentence in pinyin, with Latin punctuation and an initial capital."""
    parts = []
    for word in sentence.words:
        if word.text.strip():
            parts.append(word.pinyin or word.text.translate(_PUNCTUATION))
    pinyin = str(_NEEDLESS_SPACE.sub("", " ".join(parts)))
    return pinyin[:1].upper() + pinyin[1:]
