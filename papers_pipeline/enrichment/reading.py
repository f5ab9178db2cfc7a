"""A Chinese text for learners: its words, its vocabulary and its level, and what an answer must be to become one."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import regex

from papers_pipeline.base.characters import bare, excerpt
from papers_pipeline.enrichment.guardrails import LONGEST_ANSWER, russian_faults
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.records import ReadingSentence, ReadingWord, VocabularyWord
from papers_pipeline.text import chinese
from papers_pipeline.text.languages import detected_language, knows
from papers_pipeline.text.markup import form_faults
from papers_pipeline.text.numbers import number_warnings

EASY, SIMPLE = 3, 5
"""Words up to HSK 3 are no vocabulary; up to HSK 5 they are simple."""
MOST_VOCABULARY = 25
SIMPLE_SHARE, LEVEL_SHARE = 0.8, 0.9
"""The share of the running words that are simple or in the vocabulary, and that of those that a text's level has."""
# A model counts characters badly, and a page bears a longer sentence.
LENGTH_TOLERANCE = 1.25


@dataclass(frozen=True)
class Reading:
    """Sentences in words, and the vocabulary in the order of the text. ``level`` is the lowest HSK level (1 to 7) whose
    words make up ``LEVEL_SHARE`` of the running words that the syllabus lists, ``hard`` are the running words that are
    neither simple nor in the vocabulary."""

    sentences: list[ReadingSentence]
    vocabulary: list[VocabularyWord]
    level: int
    running_words: int
    hard: list[str]

    @property
    def known_share(self) -> float:
        """The share of the running words that are simple or in the vocabulary."""
        return 1 - len(self.hard) / self.running_words if self.running_words else 0.0


def read(sentences: Sequence[str]) -> Reading:
    """The text as learners get it. Names and numbers in Latin letters and digits are no running words."""
    cut = [chinese.words(sentence) for sentence in sentences]
    running = [word for words in cut for word in words if word.pinyin]
    levels = {word.text: chinese.level(word.text) for word in running}
    first: dict[str, chinese.Word] = {}
    for word in running:
        first.setdefault(word.text, word)
    above = [word for word in first.values() if _is_above(levels[word.text], EASY)]
    # Those above the simple ones first: they are what a reader cannot do without.
    kept = sorted(above, key=lambda word: not _is_above(levels[word.text], SIMPLE))[
        :MOST_VOCABULARY
    ]
    chosen = {word.text for word in kept}
    vocabulary = [_entry(word, levels[word.text]) for word in above if word.text in chosen]
    listed = sorted(found for word in running if (found := levels[word.text]))
    return Reading(
        sentences=[
            ReadingSentence(
                text=text, words=[ReadingWord(text=word.text, pinyin=word.pinyin) for word in words]
            )
            for text, words in zip(sentences, cut, strict=True)
        ],
        vocabulary=vocabulary,
        level=listed[math.ceil(len(listed) * LEVEL_SHARE) - 1] if listed else 1,
        running_words=len(running),
        hard=[
            word.text
            for word in running
            if word.text not in chosen and _is_above(levels[word.text], SIMPLE)
        ],
    )


def _is_above(level: int | None, most: int) -> bool:
    return level is None or level > most


def _entry(word: chinese.Word, level: int | None) -> VocabularyWord:
    meaning, source = chinese.meaning(word) or (None, None)
    return VocabularyWord(
        word=word.text, pinyin=word.pinyin or "", level=level, meaning=meaning, source=source
    )


_PUNCTUATION = str.maketrans("，。！？；：、（）“”‘’《》", ',.!?;:,()""\'\'""')


def pinyin_of(sentence: ReadingSentence) -> str:
    """A whole sentence in pinyin, with Latin punctuation and a capital."""
    parts = " ".join(
        (word.pinyin or word.text.translate(_PUNCTUATION))
        for word in sentence.words
        if word.text.strip()
    )
    closed = str(regex.sub(r" (?=[,.!?;:)])|(?<=\() ", "", parts))
    return closed[:1].upper() + closed[1:]


# Verdicts

_END = regex.compile(r"[。！？][”’」』）》]*$")
_INNER_END = regex.compile(r"[。！？](?=[^”’」』）》。！？])")
_FOREIGN = regex.compile(r"[\p{L}--[\p{Han}\p{Latin}\p{Greek}\p{Common}]]+", flags=regex.V1)
_PIECE = regex.compile(r"\p{Han}|[^\s\p{P}\p{Han}]+")


def reading_verdict(
    sentences: Sequence[str], *, limits: Mapping[str, int], abstract: str, paper_title: str
) -> Verdict:
    """The verdict on the Chinese sentences of a reading task; ``limits`` are the prompt's."""
    if len("".join(sentences)) > LONGEST_ANSWER:
        return Verdict(("The sentences are far too long: write only what is asked.",))
    faults: list[str] = []
    least, most = limits.get("least_sentences", 1), limits.get("most_sentences", len(sentences))
    if not least <= len(sentences) <= most:
        faults.append(
            f"There are {len(sentences)} sentences, {least} to {most} are asked: write as many."
        )
    for number, sentence in enumerate(sentences, 1):
        faults += _sentence_faults(f"sentence {number}", sentence, limits.get("characters"))
    if len(set(map(bare, sentences))) < len(sentences):
        faults.append("A sentence stands there twice: write each once.")
    if not faults:
        text = read(sentences)
        if text.known_share < SIMPLE_SHARE:
            named = ", ".join(f'"{word}"' for word in list(dict.fromkeys(text.hard))[:12])
            faults.append(
                f"Only {text.known_share:.0%} of the words are HSK 1 to {SIMPLE} or in a vocabulary of "
                f"{MOST_VOCABULARY} words, {SIMPLE_SHARE:.0%} are asked: put simpler words in the place of {named}."
            )
    return Verdict(
        tuple(faults), tuple(number_warnings("\n".join(sentences), f"{paper_title}\n{abstract}"))
    )


def _sentence_faults(field: str, sentence: str, most: int | None) -> Iterator[str]:
    pieces = _PIECE.findall(sentence)
    if not pieces:
        yield f"The {field} is empty: write it or leave it out."
        return
    yield from form_faults(field, sentence)
    if not _END.search(sentence.strip()):
        yield f'The {field} does not end with 。, ！ or ？: "{excerpt(sentence)}" must be one whole sentence.'
    if _INNER_END.search(sentence):
        yield f'The {field} is more than one, "{excerpt(sentence)}": give each sentence as an item of its own.'
    if most is not None and len(pieces) > most * LENGTH_TOLERANCE:
        yield f'The {field} has {len(pieces)} characters, at most {most} are asked: shorten "{excerpt(sentence)}".'
    if sum(map(chinese.is_chinese, pieces)) * 2 <= len(pieces):
        yield f'The {field} is not in Chinese, "{excerpt(sentence)}": write it in simplified Chinese.'
    elif strange := _FOREIGN.search(sentence):
        yield f'The {field} holds "{strange[0]}", which is neither Chinese nor Latin: write it in Chinese.'
    elif old := chinese.traditional(sentence):
        yield f"The {field} has traditional characters, {''.join(old)}: write simplified Chinese."


def translation_verdict(
    sentences: Sequence[str],
    meanings: Sequence[tuple[str, str]],
    *,
    language: str,
    originals: Sequence[str],
    words: Sequence[str],
    limits: Mapping[str, int],
    terms: frozenset[str],
) -> Verdict:
    """The verdict on a translation into ``language`` (ISO 639-1, a region does not count) of ``originals``, with a
    meaning for each of ``words``; ``terms`` are the Latin words that Russian prose may hold."""
    if (
        len("".join(sentences)) + len("".join(meaning for _, meaning in meanings))
        > 2 * LONGEST_ANSWER
    ):
        return Verdict(("The answer is far too long: translate only what is given.",))
    faults: list[str] = []
    if len(sentences) != len(originals):
        faults.append(
            f"There are {len(sentences)} translations of {len(originals)} sentences: give one for each."
        )
    for number, sentence in enumerate(sentences, 1):
        if not bare(sentence):
            faults.append(f"The translation of sentence {number} is empty: write it.")
        faults += form_faults(f"translation of sentence {number}", sentence)
        faults += _left_in_chinese(f"translation of sentence {number}", sentence, language)
    faults += _meaning_faults(meanings, words, language, limits.get("meaning_characters"))
    faults += _language_faults(
        " ".join(sentences), language.split("-")[0].lower(), originals, terms
    )
    return Verdict(tuple(faults))


def _language_faults(
    text: str, language: str, originals: Sequence[str], terms: frozenset[str]
) -> Iterator[str]:
    found = detected_language(text)
    if found not in (None, language) and knows(language):
        yield f"The translation is in the language {found}, {language} is asked: write it in {language}."
    elif language == "ru":
        names = frozenset(
            word.lower() for word in regex.findall(r"[\p{Latin}\d]+", " ".join(originals))
        )
        yield from russian_faults(text, "", terms | names)


def _meaning_faults(
    meanings: Sequence[tuple[str, str]], words: Sequence[str], language: str, most: int | None
) -> Iterator[str]:
    given = [word for word, _ in meanings]
    if missing := [word for word in words if word not in given]:
        yield f"The meaning of {', '.join(missing)} is missing: give one for each word, exactly as it was given."
    if extra := [word for word in dict.fromkeys(given) if word not in words]:
        yield f"{', '.join(map(excerpt, extra))}: none of the words that were given; leave it out."
    if len(set(given)) < len(given):
        yield "A word is explained twice: give one meaning for each."
    for word, meaning in meanings:
        if not bare(meaning):
            yield f"The meaning of {excerpt(word)} is empty: write it."
        elif most is not None and len(meaning) > most * LENGTH_TOLERANCE:
            yield f"The meaning of {excerpt(word)} has {len(meaning)} characters, at most {most} are asked: shorten it."
        yield from form_faults(f"meaning of {excerpt(word)}", meaning)
        yield from _left_in_chinese(f"meaning of {excerpt(word)}", meaning, language)


def _left_in_chinese(field: str, text: str, language: str) -> Iterator[str]:
    # Japanese and Korean write with some of the same characters.
    if language not in ("ja", "ko") and (left := regex.search(r"\p{Han}+", text)):
        yield f'The {field} holds Chinese, "{left[0]}": translate it.'
