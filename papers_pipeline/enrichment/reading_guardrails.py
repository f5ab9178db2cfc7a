"""Verdicts on the answers for a reading task: its Chinese sentences, and their translations."""

from collections.abc import Iterator, Mapping, Sequence

import regex

from papers_pipeline.base.characters import bare, excerpt
from papers_pipeline.base.faults import Fault, Severity
from papers_pipeline.enrichment.abstracts import source_of
from papers_pipeline.enrichment.guardrails import LONGEST_ANSWER
from papers_pipeline.enrichment.reading import SIMPLE, annotate
from papers_pipeline.enrichment.russian import russian_faults
from papers_pipeline.llm.verdict import Verdict, of_severity
from papers_pipeline.text import chinese
from papers_pipeline.text.calls_to_act import call_to_act_faults
from papers_pipeline.text.languages import detected_language, knows
from papers_pipeline.text.markup import form_faults, without_markup
from papers_pipeline.text.names import name_faults
from papers_pipeline.text.numbers import number_faults

PERCENT_TOLERANCE, HARD_WORD_TOLERANCE = 5, 4
"""How far a published text may miss the prompt's share of simple words, and its hard words."""
MOST_HARD_WORDS_QUOTED = 20
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
        message = "The sentences are far too long. Write only what is asked for."
        return Verdict((Fault("endless", message),))
    count = len(sentences)
    least = limits.get("least_sentences", 1)
    most = limits.get("most_sentences", count)
    faults: list[Fault] = []
    if not least <= count <= most:
        message = f"There are {count} sentences. Write {least} to {most}."
        faults.append(Fault("sentences", message, "style" if count else "fatal"))
    for number, sentence in enumerate(sentences, 1):
        faults += _sentence_faults(f"sentence {number}", sentence, limits.get("characters"))
    if len(set(map(bare, sentences))) < count:
        message = "A sentence is repeated. Write each sentence once."
        faults.append(Fault("repeated", message, "style"))
    if not of_severity(faults, "fatal"):
        faults += _difficulty_faults(sentences, limits)
    source = source_of(paper_title, abstract)
    faults += call_to_act_faults(text, source)
    faults += number_faults(text, source)
    faults += name_faults(without_markup(text), source, language="zh")
    return Verdict(tuple(faults))


def _sentence_faults(field: str, sentence: str, most: int | None) -> Iterator[Fault]:
    units = _UNIT.findall(sentence)
    if not units:
        yield Fault("empty", f"The {field} is empty. Write it or leave it out.")
        return
    quoted = f'"{excerpt(sentence)}"'
    yield from form_faults(field, sentence)
    if not _END.search(sentence.strip()):
        message = (
            f"The {field} does not end with 。, ！ or ？: {quoted}. Write one complete sentence."
        )
        yield Fault("unfinished", message)
    if _INNER_END.search(sentence):
        message = (
            f"The {field} contains more than one sentence: {quoted}. "
            "Give each sentence as a separate item."
        )
        yield Fault("sentences", message, "style")
    if most is not None and len(units) > most * LENGTH_TOLERANCE:
        message = (
            f"The {field} has {len(units)} characters; the limit is {most}. Shorten it: {quoted}."
        )
        yield Fault("length", message, "style")
    yield from _script_faults(field, sentence, units)


def _script_faults(field: str, sentence: str, units: Sequence[str]) -> Iterator[Fault]:
    """A fault if the sentence is not in simplified Chinese, names and numbers aside."""
    chinese_units = sum(map(chinese.is_chinese, units))
    if chinese_units * 2 <= len(units):
        message = (
            f'The {field} is not in Chinese: "{excerpt(sentence)}". Write it in simplified Chinese.'
        )
        yield Fault("language", message)
        return
    foreign = _FOREIGN.search(sentence)
    if foreign:
        message = (
            f'The {field} contains "{foreign[0]}", which is neither Chinese nor Latin. '
            "Write it in Chinese."
        )
        yield Fault("script", message)
        return
    traditional = "".join(chinese.traditional(sentence))
    if traditional:
        message = (
            f"The {field} contains traditional characters: {traditional}. "
            "Write simplified characters."
        )
        yield Fault("script", message)


def _difficulty_faults(sentences: Sequence[str], limits: Mapping[str, int]) -> Iterator[Fault]:
    """Faults of a text with too many hard words.

    Slightly hard is a matter of style: the vocabulary explains every hard word. Ordinary prose is
    not a reading task.
    """
    reading = annotate(sentences)
    percent = 100 * reading.simple_share
    least = limits.get("simple_percent", 0)
    most = limits.get("hard_words", len(reading.hard))
    quoted = ", ".join(f'"{word}"' for word in reading.hard[:MOST_HARD_WORDS_QUOTED])
    if percent < least:
        message = (
            f"Only {percent:.1f}% of the words in the HSK lists are in HSK 1 to {SIMPLE}; at least "
            f"{least}% must be. Replace hard words with simpler ones: {quoted}."
        )
        severity: Severity = "fatal" if percent < least - PERCENT_TOLERANCE else "style"
        yield Fault("difficulty", message, severity)
    if len(reading.hard) > most:
        message = (
            f"{len(reading.hard)} different words are harder than HSK {SIMPLE}; at most {most} may "
            f"be. Replace some of them with simpler ones: {quoted}."
        )
        severity = "fatal" if len(reading.hard) > most + HARD_WORD_TOLERANCE else "style"
        yield Fault("hard_words", message, severity)


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
        message = "The answer is far too long. Translate only the given text."
        return Verdict((Fault("endless", message),))
    faults: list[Fault] = []
    if len(sentences) != len(originals):
        message = (
            f"The number of translations is {len(sentences)}, but there are {len(originals)} "
            "sentences. Give one translation per sentence."
        )
        faults.append(Fault("count", message))
    for number, sentence in enumerate(sentences, 1):
        field = f"translation of sentence {number}"
        if not bare(sentence):
            faults.append(Fault("empty", f"The {field} is empty. Write it."))
        faults += form_faults(field, sentence)
        faults += _untranslated_faults(field, sentence, language)
    faults += _meaning_faults(meanings, words, language, limits.get("meaning_characters"))
    base_language = language.split("-")[0].lower()
    faults += _language_faults(" ".join(sentences), base_language, originals, terms)
    return Verdict(tuple(faults))


def _language_faults(
    text: str, language: str, originals: Sequence[str], terms: frozenset[str]
) -> Iterator[Fault]:
    found = detected_language(text)
    if found not in (None, language) and knows(language):
        message = (
            f"The translation is in the language {found}, not {language}. Write it in {language}."
        )
        yield Fault("language", message)
    elif language == "ru":
        latin_words = regex.findall(r"[\p{Latin}\d]+", " ".join(originals))
        names = {word.lower() for word in latin_words}
        yield from russian_faults(text, terms | names)


def _meaning_faults(
    meanings: Sequence[tuple[str, str]], words: Sequence[str], language: str, most: int | None
) -> Iterator[Fault]:
    given = [word for word, _ in meanings]
    missing = [word for word in words if word not in given]
    if missing:
        message = (
            f"The meaning of {', '.join(missing)} is missing. "
            "Give a meaning for each word, spelled exactly as given."
        )
        yield Fault("meanings", message)
    unknown = [word for word in dict.fromkeys(given) if word not in words]
    if unknown:
        quoted = ", ".join(map(excerpt, unknown))
        message = f"Not among the given words: {quoted}. Leave out what was not given."
        yield Fault("meanings", message)
    if len(set(given)) < len(given):
        yield Fault("meanings", "A word is explained twice. Give one meaning per word.")
    for word, meaning in meanings:
        field = f"meaning of {excerpt(word)}"
        if not bare(meaning):
            yield Fault("empty", f"The {field} is empty. Write it.")
        elif most is not None and len(meaning) > most * LENGTH_TOLERANCE:
            message = f"The {field} has {len(meaning)} characters; the limit is {most}. Shorten it."
            yield Fault("length", message, "style")
        yield from form_faults(field, meaning)
        yield from _untranslated_faults(field, meaning, language)


def _untranslated_faults(field: str, text: str, language: str) -> Iterator[Fault]:
    if language in _LANGUAGES_WITH_HAN:
        return
    untranslated = regex.search(r"\p{Han}+", text)
    if untranslated:
        message = f'The {field} contains Chinese: "{untranslated[0]}". Translate it.'
        yield Fault("script", message)
