"""Compares the names in a text with those in its source: models, data sets, companies, methods."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import regex

from papers_pipeline.base.faults import Fault
from papers_pipeline.base.loaded_once import loaded_once

ABBREVIATIONS = Path(__file__).parent / "abbreviations.txt"
FAMILIES = """
    Anthropic ChatGPT Claude Codex Copilot DeepMind DeepSeek Doubao Ernie Gemini Gemma
    GigaChat GLM GPT Grok Haiku Hunyuan ImageNet InternLM InternVL Kimi Kling LLaMA LLaVA
    Llama Midjourney MiniMax Mistral Mixtral Nemotron Nvidia OLMo OpenAI Qwen QwQ Seedance
    SmolLM Sonnet Sora Veo YandexGPT
"""
"""Names of models and their makers that are no ordinary words. They count in English too, and one
and its version are one name: "Claude 3.5"."""
LONGEST_ACRONYM = 12
LONGEST_PREFIX = 6
"""Letters of one word in an acronym: "LoRA" is low-rank adaptation, "GenAI" generative AI."""
LEAST_BEGINNING = 4
"""Letters of a name that may be the beginning of any word of the source."""

_SIZES = "Opus|Sonnet|Haiku|Pro|Flash|Lite|Ultra|Max"
_FAMILY = "|".join(FAMILIES.split())
_COUNTED = r"[ \u00a0]?(?:[\p{Latin}\p{Cyrillic}%％]|[万亿千百个倍分次种项])"
_VERSION = rf"[ \u00a0-](?:\d{{1,2}}\.\d(?![\d%％\p{{Latin}}])|\d{{1,2}}(?![\d%％.,]|{_COUNTED}))"
_JOINED = r"[-‑–@._+&][\p{Latin}\d]"
NAME = regex.compile(
    r"(?<![\p{Latin}\d_@/.&])(?>"
    rf"(?:{_FAMILY})(?:[ \u00a0](?:{_SIZES}))?{_VERSION}(?!{_JOINED})"
    rf"|\p{{Latin}}[\p{{Latin}}\d]*(?:{_JOINED}[\p{{Latin}}\d]*)*"
    r")(?!\p{Cyrillic})"
)
"""A Latin word with what is joined to it, or a family and its version. "4-bit" is none."""
_PHRASE = regex.compile(r"\p{Latin}+(?:[ \u00a0-]\p{Latin}+)+")
_SIGNS = regex.compile(r"\p{Latin}|\d+(?:\.\d+)*")
_GAP = r"[\s\-‑–_./+@&$\\{}^\"'’]{0,3}"
_PART = regex.compile(r"[\p{Latin}\d]+")
_ROMAN = regex.compile(r"[IVX]+")
STOP_WORDS = "a an and as at by for from in is of on or the to via with"
_STOP_WORDS = frozenset(STOP_WORDS.split())
_DIGIT_WORDS = {"2": "to", "4": "for"}
# English has a capital at the start of a sentence and in titles: a name needs more than that.
_SURE_NAME = regex.compile(rf"\d|\p{{Latin}}\p{{Lu}}|^(?:{_FAMILY})")


def name_faults(prose: str, source: str, *, language: str) -> Iterator[Fault]:
    """A fault for each name that does not occur in the source, the paper's title and abstract.

    A name is a Latin word with a digit or a capital. In Chinese and in languages in Cyrillic every
    such word counts; in languages in Latin letters, where any sentence has capitals, only one with
    a digit or an inner capital, or one of `FAMILIES`.

    A name is known if the source has it, whatever its case, hyphens and plural; if it begins a
    longer name there (Qwen2.5 of Qwen2.5-7B, but not GPT-4 of GPT-4o); if it abbreviates words
    there, or spells out an acronym; or if it is one of `ABBREVIATIONS`.
    """
    prose = unicodedata.normalize("NFKC", prose)
    source = _readable(unicodedata.normalize("NFKC", source))
    is_latin = not regex.search(r"[\p{Cyrillic}\p{Han}]", prose) or language == "en"
    expansions = _expansions(prose, source)
    for name in dict.fromkeys(found[0] for found in NAME.finditer(prose)):
        if not regex.search(r"[\p{Lu}\d]", name) or name in expansions:
            continue
        if is_latin and not _SURE_NAME.search(name):
            continue
        if not _is_known(name, source):
            message = (
                f'The name "{name}" occurs neither in the abstract nor in the title: '
                "write the paper's own or leave it out."
            )
            yield Fault("name", message, "unverified", name)


def _readable(source: str) -> str:
    """The source, and once more without LaTeX if it has any: `$\\tau^2$-bench` is τ²-bench."""
    if not regex.search(r"[\\$]", source):
        return source
    bare = regex.sub(r"\\[A-Za-z]+|[\\${}^_]", "", source)
    named = regex.sub(r"[\\${}^_]", "", source)
    return f"{source}\n{bare}\n{named}"


def _is_known(name: str, source: str) -> bool:
    core = _without_ordinary_ends(name)
    if not core or any(_is_single(spelling, source) for spelling in {name, core}):
        return True
    parts = _PART.findall(core)
    return len(parts) > 1 and all(_is_part(part, source) for part in parts)


def _is_part(part: str, source: str) -> bool:
    """Whether a part of a compound is known: an ordinary word, or a name of its own."""
    if part.islower() and part.isalpha():
        return True
    return not part.isdigit() and _is_single(part, source)


def _is_single(name: str, source: str) -> bool:
    if len(_SIGNS.findall(name)) == 1 or _ROMAN.fullmatch(name):
        return True
    singular = regex.sub(r"(?<=[\p{Lu}\d])s$", "", name)
    common = _abbreviations()
    if _key(name) in common or _key(singular) in common:
        return True
    return _occurs(singular, source) or _abbreviates(singular, source)


def _occurs(name: str, source: str) -> bool:
    """Whether the source has the name, or a longer one that begins with it."""
    signs = _SIGNS.findall(name)
    pattern = _GAP.join(map(regex.escape, signs))
    end = r"(?!\d|\.\d|(?!s\b)\p{Latin}(?!\p{Latin}))"
    if signs[-1].isalpha():
        end = "" if len(signs) >= LEAST_BEGINNING else r"(?!(?!s\b)\p{Ll})"
    pattern = rf"(?<![\p{{Latin}}\d])(?i:{pattern}){end}"
    return bool(regex.search(pattern, source))


def _abbreviates(acronym: str, source: str) -> bool:
    """Whether the name is made of the first letters of words that follow each other in the source.

    CoT is chain of thought, LoRA low-rank adaptation, T2V text-to-video.
    """
    letters = acronym.lower()
    if not regex.fullmatch(rf"[\p{{Latin}}24]{{2,{LONGEST_ACRONYM}}}", letters):
        return False
    words = regex.findall(r"[\p{Latin}\d]+", source.lower())
    return any(
        word[0] == letters[0] and _spelled(letters, words[place : place + 2 * len(letters)])
        for place, word in enumerate(words)
    )


def _spelled(letters: str, words: list[str]) -> bool:
    """Whether first letters of all the words up to some place are the letters of an acronym."""
    if not letters:
        return True
    if not words:
        return False
    word, rest = words[0], words[1:]
    if _DIGIT_WORDS.get(letters[0]) == word:
        return _spelled(letters[1:], rest)
    for length in range(1, LONGEST_PREFIX + 1):
        if len(letters) < length or not word.startswith(letters[:length]):
            break
        if _spelled(letters[length:], rest):
            return True
    return word in _STOP_WORDS and _spelled(letters, rest)


def _expansions(prose: str, source: str) -> set[str]:
    """The words of the phrases in the prose whose first letters are an acronym of the source."""
    acronyms = set()
    for acronym in regex.findall(
        r"(?<![\p{Latin}\d])(?=\p{Latin}*\p{Lu}\p{Latin}*\p{Lu})\p{Latin}{2,7}", source
    ):
        acronyms.add(acronym.lower().rstrip("s"))
    known = set()
    for phrase in _PHRASE.findall(prose):
        words = regex.split(r"[ \u00a0-]", phrase)
        initials = "".join(word[0].lower() for word in words)
        short = "".join(word[0].lower() for word in words if word.lower() not in _STOP_WORDS)
        if initials in acronyms or short in acronyms:
            known.update(words)
            known.update(regex.split(r"[ \u00a0]", phrase))
    return known


def _without_ordinary_ends(name: str) -> str:
    """The name without lower-case words joined to it: GPT-4 of GPT-4-based, LLM of non-LLM."""
    name = regex.sub(r"^(?:\p{Ll}{2,}[-‑–])+(?=.*\p{Lu})", "", name)
    return str(regex.sub(r"(?<=[\p{Lu}\d].*)(?:[-‑–]\p{Ll}{2,})+$", "", name))


def _key(name: str) -> str:
    return str(regex.sub(r"[^\p{Latin}\d+&]", "", name)).lower()


@loaded_once
def _abbreviations() -> frozenset[str]:
    lines = ABBREVIATIONS.read_text(encoding="utf-8").splitlines()
    return frozenset(_key(line) for line in lines if line and not line.startswith("#"))
