"""Verdicts on the answers for a reading task: its Chinese sentences, and their translations."""

from collections.abc import Iterator, Mapping, Sequence

import regex

from papers_pipeline.base.characters import bare, excerpt
from papers_pipeline.enrichment.guardrails import LONGEST_ANSWER
from papers_pipeline.enrichment.reading import MOST_VOCABULARY, SIMPLE, annotate
from papers_pipeline.enrichment.russian import russian_faults
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.text import chinese
from papers_pipeline.text.languages import detected_language, knows
from papers_pipeline.text.markup import form_faults
from papers_pipeline.text.numbers import number_warnings

SIMPLE_SHARE = 0.8
"""The share of the running words that must be simple or in the vocabulary."""
MOST_HARD_WORDS_QUOTED = 12
# Models count characters badly, and a page has room for a longer sentence.
LENGTH_TOLERANCE = 1.25

_END = regex.compile(r"[。！？][”’」』）》]*$")
_INNER_END = regex.compile(r"[。！？](?=[^”’」』）》。！？])")
_FOREIGN = regex.compile(r"[\p{L}--[\p{Han}\p{Latin}\p{Greek}\p{Common}]]+", flags=regex.V1)
# A sentence's length counts each Chinese character, Latin word and number as one.
_UNIT = regex.compile(r"\p{Han}|[^\s\p{P}\p{Han}]+")
# Japanese and Korean share characters with Chinese.
_LANGUAGES_WITH_HAN = ("ja", "ko")


def reading_verdict(
    sentences: Sequence[str], *, limits: Mapping[str, int], abstract: str, paper_title: str
) -> Verdict:
    """The verdict on the Chinese sentences of a reading task. `limits` are the prompt's."""
    text = "\n".join(sentences)
    if len("".join(sentences)) > LONGEST_ANSWER:
        return Verdict(("The sentences are far too long. Write only what is asked for.",))
    count = len(sentences)
    least = limits.get("least_sentences", 1)
    most = limits.get("most_sentences", count)
    faults: list[str] = []
    if not least <= count <= most:
        faults.append(f"There are {count} sentences. Write {least} to {most}.")
    for number, sentence in enumerate(sentences, 1):
        faults += _sentence_faults(f"sentence {number}", sentence, limits.get("characters"))
    if len(set(map(bare, sentences))) < count:
        faults.append("A sentence is repeated. Write each sentence once.")
    if not faults:
        faults += _difficulty_faults(sentences)
    return Verdict(tuple(faults), tuple(number_warnings(text, f"{paper_title}\n{abstract}")))


def _sentence_faults(field: str, sentence: str, most: int | None) -> Iterator[str]:
    units = _UNIT.findall(sentence)
    if not units:
        yield f"The {field} is empty. Write it or leave it out."
        return
    quoted = f'"{excerpt(sentence)}"'
    yield from form_faults(field, sentence)
    if not _END.search(sentence.strip()):
        yield f"The {field} does not end with 。, ！ or ？: {quoted}. Write one complete sentence."
    if _INNER_END.search(sentence):
        yield (
            f"The {field} contains more than one sentence: {quoted}. "
            "Give each sentence as a separate item."
        )
    if most is not None and len(units) > most * LENGTH_TOLERANCE:
        yield (
            f"The {field} has {len(units)} characters; the limit is {most}. Shorten it: {quoted}."
        )
    yield from _script_faults(field, sentence, units)


def _script_faults(field: str, sentence: str, units: Sequence[str]) -> Iterator[str]:
    """A fault if the sentence is not in simplified Chinese, names and numbers aside."""
    chinese_units = sum(map(chinese.is_chinese, units))
    if chinese_units * 2 <= len(units):
        yield (
            f'The {field} is not in Chinese: "{excerpt(sentence)}". Write it in simplified Chinese.'
        )
        return
    foreign = _FOREIGN.search(sentence)
    if foreign:
        yield (
            f'The {field} contains "{foreign[0]}", which is neither Chinese nor Latin. '
            "Write it in Chinese."
        )
        return
    traditional = "".join(chinese.traditional(sentence))
    if traditional:
        yield (
            f"The {field} contains traditional characters: {traditional}. "
            "Write simplified characters."
        )


def _difficulty_faults(sentences: Sequence[str]) -> Iterator[str]:
    reading = annotate(sentences)
    if reading.known_share >= SIMPLE_SHARE:
        return
    hard_words = list(dict.fromkeys(reading.hard))[:MOST_HARD_WORDS_QUOTED]
    quoted = ", ".join(f'"{word}"' for word in hard_words)
    yield (
        f"Only {reading.known_share:.0%} of the words are in HSK 1 to {SIMPLE} or in a vocabulary "
        f"of {MOST_VOCABULARY} words; at least {SIMPLE_SHARE:.0%} must be. "
        f"Replace hard words with simpler ones: {quoted}."
    )


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
    """The verdict on a translation of `originals`, with a meaning for each of `words`.

    `meanings` are pairs of a word and its meaning. `language` is an ISO 639-1 code whose region is
    ignored. `terms` are the Latin words allowed in Russian prose.
    """
    length = len("".join(sentences)) + sum(len(meaning) for _, meaning in meanings)
    if length > 2 * LONGEST_ANSWER:
        return Verdict(("The answer is far too long. Translate only the given text.",))
    faults: list[str] = []
    if len(sentences) != len(originals):
        faults.append(
            f"The number of translations is {len(sentences)}, but there are {len(originals)} "
            "sentences. Give one translation per sentence."
        )
    for number, sentence in enumerate(sentences, 1):
        field = f"translation of sentence {number}"
        if not bare(sentence):
            faults.append(f"The {field} is empty. Write it.")
        faults += form_faults(field, sentence)
        faults += _untranslated_faults(field, sentence, language)
    faults += _meaning_faults(meanings, words, language, limits.get("meaning_characters"))
    base_language = language.split("-")[0].lower()
    faults += _language_faults(" ".join(sentences), base_language, originals, terms)
    return Verdict(tuple(faults))


def _language_faults(
    text: str, language: str, originals: Sequence[str], terms: frozenset[str]
) -> Iterator[str]:
    found = detected_language(text)
    if found not in (None, language) and knows(language):
        yield f"The translation is in the language {found}, not {language}. Write it in {language}."
    elif language == "ru":
        latin_words = regex.findall(r"[\p{Latin}\d]+", " ".join(originals))
        names = {word.lower() for word in latin_words}
        yield from russian_faults(text, "", terms | names)


def _meaning_faults(
    meanings: Sequence[tuple[str, str]], words: Sequence[str], language: str, most: int | None
) -> Iterator[str]:
    given = [word for word, _ in meanings]
    missing = [word for word in words if word not in given]
    if missing:
        yield (
            f"The meaning of {', '.join(missing)} is missing. "
            "Give a meaning for each word, spelled exactly as given."
        )
    unknown = [word for word in dict.fromkeys(given) if word not in words]
    if unknown:
        quoted = ", ".join(map(excerpt, unknown))
        yield f"Not among the given words: {quoted}. Leave out what was not given."
    if len(set(given)) < len(given):
        yield "A word is explained twice. Give one meaning per word."
    for word, meaning in meanings:
        field = f"meaning of {excerpt(word)}"
        if not bare(meaning):
            yield f"The {field} is empty. Write it."
        elif most is not None and len(meaning) > most * LENGTH_TOLERANCE:
            yield f"The {field} has {len(meaning)} characters; the limit is {most}. Shorten it."
        yield from form_faults(field, meaning)
        yield from _untranslated_faults(field, meaning, language)


def _untranslated_faults(field: str, text: str, language: str) -> Iterator[str]:
    if language in _LANGUAGES_WITH_HAN:
        return
    untranslated = regex.search(r"\p{Han}+", text)
    if untranslated:
        yield f'The {field} contains Chinese: "{untranslated[0]}". Translate it.'
