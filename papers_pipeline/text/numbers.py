"""Compares the numbers in a text with those in its source, by value."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise, product
from typing import Any

import regex

from papers_pipeline.base.characters import bare
from papers_pipeline.base.faults import Fault
from papers_pipeline.text.names import NAME

_SPACES = " \u00a0\u2009\u202f"
_NUMBER = r"\d+(?:[.,]\d+)*"
_GROUPED = rf"\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?!\d)(?:[.,]\d+)?"
_LETTER = r"[\p{Latin}\p{Cyrillic}\p{Greek}]"
_SCALES = {
    12: r"trillion\w*|трлн|триллион\w*|bill(?:ones|ón)|Billionen",
    9: r"mil\s+millones|billions?\b|bn\b|bilh\w+|млрд|миллиард\w*|мільярд\w*|mill?[iy]ar\w*|Mrd",
    6: r"mill?i?[oó]n\w*|milh\w+|milyon|млн|миллион\w*|мільйон\w*|Mio\b|mn\b",
    3: r"thousands?|тысяч\w*|тыс|Tausend|mil(?:le|a)?\b",
}
_SHORT_SCALES = {"k": 3, "m": 6, "b": 9, "t": 12, "к": 3, "м": 6}
_HAN_SCALES = {
    "十": 1,
    "百": 2,
    "千": 3,
    "万": 4,
    "萬": 4,
    "만": 4,
    "亿": 8,
    "億": 8,
    "억": 8,
    "兆": 12,
}
_SCALE_WORDS = "|".join(f"(?P<e{power}>{words})" for power, words in _SCALES.items())
_HAN = f"[{''.join(_HAN_SCALES)}]"
_QUANTITY = regex.compile(
    rf"(?P<number>{_GROUPED}|{_NUMBER})"
    r"(?:(?P<power>(?:\s*(?:\\times|×|x|\*)\s*10)?\^\{?-?\d{1,2}(?!\d)\}?)"
    rf"|[\s-]{{0,2}}(?:{_SCALE_WORDS})\.?"
    r"|\s?(?P<short>[kmbtкм])(?![\p{Latin}\p{Cyrillic}])"
    rf"|\s?(?P<han>{_HAN}+)(?!分)(?:(?P<rest>{_NUMBER})(?P<han_rest>{_HAN}+))?)?"
    r"(?P<percent>\s?(?:%|％|成|процент\w*|percent|per\s?cent|por\s+ciento|Prozent))?",
    flags=regex.IGNORECASE,
)
_ENGLISH = (
    "zero|one once|two twice double doubles doubled doubling both pair second half halves halved "
    "halving|three triple tripled third thirds thrice|four fourth quarter quarters quadruple|"
    "five fifth|six sixth|seven seventh|eight eighth|nine ninth|ten tenth|eleven|twelve dozen|"
    "thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty"
)
_TENS = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {word: Decimal(10 * value) for value, word in enumerate(_TENS, start=3)}
for _value, _words in enumerate(_ENGLISH.split("|")):
    _WORDS |= dict.fromkeys(_words.split(), Decimal(_value))
_WORD_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_RAISED = regex.compile("⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_LEVEL = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_BETWEEN = regex.compile(r"\s?(?:[-–—~,、至到和]|and|or|to|bis|und|[yaи]|или|до)\s?")
_NAME = regex.compile(rf"(?<![\p{{L}}\d]){_LETTER}+(?:[-‑–@_./=+]?(?:{_LETTER}|\d)+)*")
_ENUMERATORS = (
    regex.compile(r"(?<![\p{L}\d(（.,])(\d{1,2})[)）]"),
    regex.compile(r"[(（](\d{1,2})[)）]"),
    regex.compile(r"(?:(?m:^)|(?<=[:：;；。.!?]))[^\S\n]*(\d{1,2})(?:[.．](?!\d)|、)"),
)
_MATH_WRITING = (
    (r"\{,\}", ","),
    (r"\\%", "%"),
    (r"\\[,;: ]|~", " "),
    (r"\\(?:text|mathrm|mathbf|textbf|mathit)\s*\{([^{}]*)\}", r"\1"),
    (r"\$", ""),
)
# The last word before a number, if it says that the number is not exact.
_NO_LESS = regex.compile(
    r"(?i)(?:over|above|exceed\w*|more\s+than|at\s+least|more|beyond|более|больше|свыше|не\s+менее"
    r"|превы\w+|超过|超|逾|高于|多于|至少|大于|más\s+de)(?:\s+(?:чем|на|в)){0,2}\s*$"
)
_NO_MORE = regex.compile(
    r"(?i)(?:under|below|less\s+than|fewer\s+than|nearly|almost|up\s+to|менее|меньше|почти|до|не\s+более"
    r"|近|接近|将近|不到|低于|少于|不足|casi)(?:\s+(?:чем|на|в)){0,2}\s*$"
)
_ABOUT = regex.compile(
    r"(?i)(?:about|around|roughly|approximately|some|около|примерно|порядка|приблизительно|где-то"
    r"|约|大约|约为|大概|左右|≈|~|∼|alrededor\s+de)(?:\s+(?:в|на))?\s*$"
)
_DIMENSIONS = regex.compile(r"(?<![\p{L}\d.,])[1-4][DdД](?![\p{L}\d])")
_PLUS = regex.compile(r"[^.;:?!\d]{0,60}(?:\band\b|\bplus\b|\+)[^.;:?!\d]{0,30}")
LONGEST_HEDGE = 20
"""Characters before a number in which a word such as "about" may stand."""
MOST_ROUNDED = Decimal("0.1")
"""The largest share of its value by which a number may change when it is rounded."""


def number_faults(prose: str, source: str) -> Iterator[Fault]:
    """A fault for each number in digits that does not occur in the source.

    Numbers are compared by value: separators, scales and percent signs do not matter. A number may
    be rounded to the digits that it has: 12.34 is 12.3, and 494.8 million is 4.95亿. After "about",
    "over" or "nearly" its final zeros are no digits, and it may be rounded up or down as they say.
    Digits of Latin names (GPT-4, MATH500: see `name_faults`) and of other names that the source
    has, enumerators such as "2)", a bare 1, "2D" and "3D" are ignored.

    The sum of two numbers that the source joins by "and" is known: "400 English and 400 Chinese
    questions" are 800. Other sums, differences and ratios are faults.
    """
    source = _plain(source)
    known = _known(source)
    names = set()
    for name in _NAME.findall(source):
        if regex.search(r"\d", name):
            names.add(bare(name))
    prose = _DIMENSIONS.sub(" ", _without_enumerators(_plain(prose)))
    prose = NAME.sub(lambda name: " " if regex.search(r"\d", name[0]) else name[0], prose)
    plain = _NAME.sub(lambda name: " " if bare(name[0]) in names else name[0], prose)
    seen = set()
    for number, readings, start, _ in _numbers(plain):
        before = plain[max(0, start - LONGEST_HEDGE) : start]
        if number == "1" or number in seen or readings & known:
            continue
        if any(_is_rounded(reading, known, before) for reading in readings):
            continue
        seen.add(number)
        message = (
            f'The number "{number}" occurs neither in the abstract nor in the title: compare them.'
        )
        yield Fault("number", message, "unverified", number)


def _known(source: str) -> set[Decimal]:
    """All values of the source's numbers, in digits or words, and the sums of joined ones."""
    known = set(_spelled(source))
    numbers = list(_numbers(source))
    for _, readings, _, _ in numbers:
        known |= readings
    for (_, one, _, end), (_, other, start, _) in pairwise(numbers):
        if _PLUS.fullmatch(source, end, start):
            known |= {first + second for first, second in product(one, other)}
    return known


def _plain(text: str) -> str:
    """The text with the numbers of its formulas as in prose: `$220$K` is 220K, 10⁻³ is 10^-3."""
    text = _RAISED.sub(lambda raised: f"^{raised[0].translate(_LEVEL)}", text)
    for pattern, replacement in _MATH_WRITING:
        text = regex.sub(pattern, replacement, text)
    return text


def _without_enumerators(text: str) -> str:
    """The text without the numbers that count its own points: "1) … 2) …" or "(1) … (2) …"."""
    for pattern in _ENUMERATORS:
        last = 0
        places = []
        for found in pattern.finditer(text):
            number = int(found[1])
            if number in (1, last + 1):
                places.append(found.span(1))
                last = number
        for start, end in reversed(places):
            text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
    return text


def _is_rounded(value: Decimal, known: set[Decimal], before: str) -> bool:
    """Whether a number of the source becomes the value when it is rounded to the value's digits."""
    if not value:
        return False
    no_less, no_more = _NO_LESS.search(before), _NO_MORE.search(before)
    if no_less or no_more or _ABOUT.search(before):
        value = value.normalize()
    step = Decimal(1).scaleb(_exponent(value))
    for original in known:
        change = original - value
        if (no_less and 0 <= change < step) or (no_more and 0 <= -change < step):
            return True
        if abs(change) * 2 <= step and abs(change) <= value * MOST_ROUNDED:
            return True
    return False


def _exponent(value: Decimal) -> int:
    """The power of ten of the last digit: -1 for 12.3, and 6 for 4.95 × 10⁸."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def _numbers(text: str) -> Iterator[tuple[str, frozenset[Decimal], int, int]]:
    """Each number as written, with scale and percent sign, all its values, and where it is."""
    quantities = list(_QUANTITY.finditer(text))
    for found, following in zip(quantities, [*quantities[1:], None], strict=False):
        values = _scaled(found, _readings(found["number"]))
        # In "from 3 to 8 billion" the first number shares the scale of the second.
        if following and _BETWEEN.fullmatch(text, found.end(), following.start()):
            shared = _readings(following["number"])
            if any(shared):
                scales = {scaled / max(shared) for scaled in _scaled(following, shared)}
                values |= _products(values, scales)
        if found["percent"]:
            values |= _times(values, -2)
            if "成" in found["percent"]:  # 3成 is 30%
                values |= _times(values, 3)
        yield found[0].strip(), frozenset(values), *found.span()


def _scaled(found: Any, values: set[Decimal]) -> set[Decimal]:
    for power in _SCALES:
        if found[f"e{power}"]:
            return _times(values, power)
    if found["short"]:
        power = _SHORT_SCALES[found["short"].lower()]
        scaled = _times(values, power)
        if power == 3:
            scaled |= _products(values, {Decimal(1024)})
        # "12 m" may be metres and "3 B" a name: only an attached capital is surely a scale.
        is_attached = found.end("number") == found.start("short")
        return scaled if is_attached and found["short"] in "KMB" else scaled | values
    if found["han"]:
        scaled = _times(values, _han(found["han"]))
        if found["rest"]:
            rest = _times(_readings(found["rest"]), _han(found["han_rest"]))
            scaled = {value + more for value, more in product(scaled, rest)}
        # 千 in 千克 and 十 in 十字 belong to the word that follows.
        return scaled | values if found["han"] in "十百千" else scaled
    if found["power"]:
        factor, _, exponent = found["power"].strip().partition("^")
        raised = int(exponent.strip("{}"))
        if factor:
            return values | _times(values, raised)
        return values | {value**raised for value in values if value}
    return values


def _times(values: set[Decimal], power: int) -> set[Decimal]:
    return {value.scaleb(power) for value in values}


def _products(values: set[Decimal], factors: set[Decimal]) -> set[Decimal]:
    return {value * factor for value, factor in product(values, factors)}


def _han(signs: str) -> int:
    return sum(_HAN_SCALES[sign] for sign in signs)


def _readings(number: str) -> set[Decimal]:
    """All values of a number: 1,234 is 1234 or 1.234, and 128 256 is one number or two."""
    joined = regex.sub(rf"[{_SPACES}]", "", number)
    readings = set()
    for comma, point in ((",", "."), (".", ",")):
        if regex.fullmatch(
            rf"\d{{1,3}}(?:\{comma}\d{{3}})+(?:\{point}\d+)?|\d+(?:\{point}\d+)?", joined
        ):
            readings.add(Decimal(joined.replace(comma, "").replace(point, ".")))
    if joined != number or not readings:
        readings.update(map(Decimal, regex.findall(r"\d+", number)))
    return readings


def _spelled(source: str) -> Iterator[Decimal]:
    """Numbers spelled out in English: seven, twice, a third, twenty-five, two hundred million."""
    words = regex.findall(r"[a-z]+", source.lower())
    total: Decimal | None = None
    for word, following in pairwise([*words, ""]):
        singular = word.rstrip("s")
        word = word.removesuffix("fold")
        if singular in _WORD_SCALES:
            total = (total or Decimal(1)) * Decimal(10) ** _WORD_SCALES[singular]
            yield total
        elif word in _WORDS:
            value = _WORDS[word]
            if total is not None and total >= 20 and total % 10 == 0 and value < 10:
                total += value
            else:
                total = value
            yield from (value, total)
        else:
            total = None
        if word in ("half", "quarter", "third"):
            share = {"half": 2, "quarter": 4, "third": 3}[word]
            yield from (Decimal(1) / share, Decimal(100) / share)
        if word == "magnitude" or following == "fold":
            yield Decimal(10)
