"""Detects the language of a text."""

import os
from array import array
from tempfile import TemporaryFile
from typing import Any

import regex

from papers_pipeline.base.loaded_once import loaded_once

SURE_OF_TEXT = 0.5
"""The least probability, from 0 to 1, at which a detected language counts."""
UNDETERMINED = "und"
"""ISO 639-2 for a language that cannot be told."""


def detected_language(text: str) -> str | None:
    """The language of a text (ISO 639-1), or None if the text has no letters or no clear language.

    Languages without a two-letter code are never returned. The first call loads a model of 139
    languages from the installed package.
    """
    if not regex.search(r"\p{L}", text):
        return None
    language, probability = likeliest_language(text)
    return language if probability >= SURE_OF_TEXT else None


def language_of(text: str) -> str:
    """The language of a text to be stored; `UNDETERMINED` if there is no clear one."""
    return detected_language(text) or UNDETERMINED


class _Rows:
    """The table of the model's automaton, in a temporary file: 38,000 rows of 256 numbers.

    A row is read when a text first reaches it. Texts of three languages reach some 7,000: 8 MB
    instead of 39.
    """

    def __init__(self, numbers: "array[int]") -> None:
        self._file = TemporaryFile()  # noqa: SIM115, as long as this table
        numbers.tofile(self._file)
        self._file.flush()
        self._typecode = numbers.typecode
        self._row_bytes = 256 * numbers.itemsize
        self._read: dict[int, array[int]] = {}

    def __getitem__(self, place: int) -> int:
        number, column = divmod(place, 256)
        row = self._read.get(number)
        if row is None:
            data = os.pread(self._file.fileno(), self._row_bytes, number * self._row_bytes)
            row = self._read[number] = array(self._typecode, data)
        return row[column]


@loaded_once
def load_detector() -> Any:
    """The language model: 0.6 s of processor time and 40 MB."""
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
    from py3langid.modelio import load_model

    features, priors, languages, moves, rows, outputs = load_model(MODEL_DIR / MODEL_FILE)
    return LanguageIdentifier(
        features, priors, languages, _Rows(moves), outputs, norm_probs=True, tk_row=rows
    )


def likeliest_language(text: str) -> tuple[str, float]:
    """The likeliest language with a two-letter code, and its probability among those languages.

    Others are left out because Wu and Nigerian Pidgin take shares from Chinese and English.
    """
    shares: dict[str, float] = {}
    for code, share in load_detector().rank(text):
        if len(code) == 2:
            shares[str(code)] = float(share)
    language = max(shares, key=lambda code: shares[code])
    return language, shares[language] / sum(shares.values())


def knows(language: str) -> bool:
    """Whether the detector knows the language (ISO 639-1)."""
    return len(language) == 2 and language in load_detector().labels
