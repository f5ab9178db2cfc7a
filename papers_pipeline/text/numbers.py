"""Compares the numbers in a text with those in its source, by value."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise, product
from typing import Any

import regex

from papers_pipeline.base.characters import bare
from papers_pipeline.base.faults import Fault

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
_BETWEEN = regex.compile(r"\s?(?:[-–—~,、至到和]|and|or|to|bis|und|[yaи]|или|до)\s?")
_NAME = regex.compile(rf"(?<![\p{{L}}\d]){_LETTER}+(?:[-‑–@_./=+]?(?:{_LETTER}|\d)+)*")


def number_faults(prose: str, source: str) -> Iterator[Fault]:
    """A fault for each number in digits whose value does not occur in the source.

    Separators, scales and percent signs do not matter. Digits in names from the source (GPT-4,
    MATH500) and a bare 1 are ignored.
    """
    known = set(_spelled(source))
    for _, readings in _numbers(source):
        known |= readings
    names = set()
    for name in _NAME.findall(source):
        if regex.search(r"\d", name):
            names.add(bare(name))
    plain = _NAME.sub(lambda name: " " if bare(name[0]) in names else name[0], prose)
    for number, readings in dict(_numbers(plain)).items():
        if number != "1" and not readings & known:
            message = (
                f'The number "{number}" occurs neither in the abstract nor in the title: '
                "compare them."
            )
            yield Fault("number", message, "unverified", number)


def _numbers(text: str) -> Iterator[tuple[str, frozenset[Decimal]]]:
    """Each number as written, with scale and percent sign, and every value it can mean."""
    text = text.replace("{,}", ",").replace("\\%", "%").replace("\\,", " ")
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
        yield found[0].strip(), frozenset(values)


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
    return _products(values, {Decimal(10) ** power})


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
