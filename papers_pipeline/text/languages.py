"""Which language a text is written in."""

from functools import cache
from typing import Any

import regex

SURE_OF_TEXT = 0.5
"""How sure the detector has to be of a text, from 0 to 1."""


def detected_language(text: str) -> str | None:
    """The language of the text (ISO 639-1), or None where there is too little of any. The first call loads a model of
    139 languages from the installed package; a language without a two-letter code is never the answer."""
    if not regex.search(r"\p{L}", text):
        return None
    language, sure = likeliest_language(text)
    return language if sure >= SURE_OF_TEXT else None


@cache
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def likeliest_language(text: str) -> tuple[str, float]:
    """The likeliest language with a two-letter code, and how likely it is among those: written Wu and Nigerian Pidgin
    take a share of what is Chinese and English."""
    ranked = [(str(code), float(share)) for code, share in _detector().rank(text) if len(code) == 2]
    return ranked[0][0], ranked[0][1] / sum(share for _, share in ranked)


def knows(language: str) -> bool:
    """Whether the detector knows the language (ISO 639-1)."""
    return len(language) == 2 and language in _detector().labels
