"""What an answer of a language model must be before it is kept: pure functions from the answer to a verdict.

A fault is sent back to the model, so its text names what is wrong, quotes the piece and says what to do. A retry costs
money: where good prose and a mistake look alike, the rule passes both, or only warns.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import regex

# A model counts characters badly, and the site's layout bears a few more than the prompt asks for.
TITLE_TOLERANCE = 1.1
SENTENCE_TOLERANCE = 1
# A model that was made to repeat itself is not read to the end: the searches below are for a few sentences.
LONGEST_ANSWER = 4000
# How sure the detector has to be, from 0 to 1, of the text as a whole and of one foreign sentence inside it.
SURE_OF_TEXT = 0.5
SURE_OF_SENTENCE = 0.99
SHORTEST_FOREIGN_SENTENCE = 30


@dataclass(frozen=True)
class Verdict:
    """``faults`` are sentences in English that go back to the model so that it can correct itself; ``warnings`` are for
    the operator and never a reason to refuse. ``is_empty`` marks a good answer that found nothing."""

    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    is_empty: bool = False


def summary_verdict(
    *,
    language: str,
    title: str,
    text: str,
    emoji: str | None,
    wants_emoji: bool,
    limits: Mapping[str, int],
    abstract: str,
    paper_title: str,
    terms: frozenset[str],
) -> Verdict:
    """The verdict on one summary in ``language`` (ISO 639-1, a region such as ``pt-BR`` does not count).

    ``limits`` are the prompt's: ``sentences`` of the text and ``title_characters``; one that is missing is not held.
    ``terms`` are the Latin words that Russian prose may hold (``load_terms``).
    """
    for field, value in (("title", title), ("text", text)):
        if len(value) > LONGEST_ANSWER:
            return Verdict((f"The {field} has {len(value)} characters: write only what is asked.",))
    language = language.split("-")[0].lower()
    source = f"{paper_title}\n{abstract}"
    faults: list[str] = []
    if not abstract.strip():
        faults.append("There is no abstract to summarize: give no summary.")
    faults += _title_faults(title, paper_title, limits.get("title_characters"))
    for field, value in (("title", title), ("text", text)):
        faults += _form_faults(field, value)
    faults += _sentence_faults(language, text, limits.get("sentences"))
    if wrong := _wrong_language(language, text):
        faults.append(wrong)
    else:
        faults += _foreign_faults(language, title, text, source)
        faults += _russian_faults(f"{title}\n{text}", paper_title, terms) if language == "ru" else ()
    if wants_emoji:
        faults += _emoji_faults(emoji)
    return Verdict(tuple(faults), tuple(_number_warnings(f"{title}\n{text}", source)))


def topics_verdict(names: Sequence[str], allowed: Sequence[str], most: int) -> Verdict:
    """The verdict on the topics of a paper: at most ``most`` names, each from ``allowed`` as written there, none twice.
    An empty list is a good answer."""
    faults = []
    for name in dict.fromkeys(names):
        if name not in allowed:
            near = difflib.get_close_matches(name.strip("# ").upper().replace(" ", "_"), allowed, n=1)
            hint = f"write {near[0]} if that is meant, or" if near else "take one of the list as written there, or"
            faults.append(f'The topic "{_excerpt(name)}" is not in the list: {hint} leave it out.')
        elif (times := list(names).count(name)) > 1:
            faults.append(f'The topic "{name}" is given {times} times: give it once.')
    if len(names) > most:
        faults.append(f"There are {len(names)} topics: keep the {most} that fit best.")
    return Verdict(tuple(faults))


def load_terms(text: str) -> frozenset[str]:
    """The words of a ``terms.txt``: one a line, in lower case; empty lines and lines that begin with # do not count."""
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line.lower() for line in lines if line and not line.startswith("#"))


def detected_language(text: str) -> str | None:
    """The language of the text (ISO 639-1), or None where there is too little of any. The first call loads a model of
    139 languages from the installed package; a language without a two-letter code is never the answer."""
    if not regex.search(r"\p{L}", text):
        return None
    language, sure = _detect(text)
    return language if sure >= SURE_OF_TEXT else None


@cache
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _detect(text: str) -> tuple[str, float]:
    """The likeliest language with a two-letter code, and how likely it is among those: written Wu and Nigerian Pidgin
    take a share of what is Chinese and English."""
    ranked = [(str(code), float(share)) for code, share in _detector().rank(text) if len(code) == 2]
    return ranked[0][0], ranked[0][1] / sum(share for _, share in ranked)


def _excerpt(piece: str, most: int = 60) -> str:
    folded = " ".join(piece.split())
    return folded if len(folded) <= most else folded[: most - 1] + "…"


def _graphemes(text: str) -> list[str]:
    return [str(grapheme) for grapheme in regex.findall(r"\X", text)]


# Title

_WIDE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_FULL_STOP = regex.compile(r"(?<![.。．])[.。．｡]\s*$")


def _title_faults(title: str, paper_title: str, most: int | None) -> Iterator[str]:
    if not title.strip():
        yield "The title is empty: write one."
        return
    length = _length(title.strip())
    if most is not None and length > most * TITLE_TOLERANCE:
        yield f'The title has {length} characters, at most {most} are asked: shorten "{_excerpt(title)}".'
    if _bare(title) == _bare(paper_title):
        yield f'The title "{_excerpt(title)}" is the paper\'s own: write a slogan that says what is new.'
    if _FULL_STOP.search(title):
        yield f'The title "{_excerpt(title)}" ends with a full stop: leave it out.'


def _length(title: str) -> int:
    """The characters as a reader counts them; beside wide characters two narrow ones count as one, as in Chinese."""
    graphemes = _graphemes(title)
    wide = sum(1 for grapheme in graphemes if _WIDE.match(grapheme))
    return wide + (len(graphemes) - wide + 1) // 2 if wide else len(graphemes)


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


# Form: markup, links, secrets, talk

_HTML = (
    "a|abbr|b|big|blockquote|body|br|button|center|code|div|em|embed|font|footer|form|h[1-6]|head|header|hr|html|i|"
    "iframe|img|input|ins|del|li|link|main|mark|math|meta|nav|object|ol|p|pre|q|s|script|section|small|span|strike|"
    "strong|style|sub|sup|svg|table|tbody|td|template|textarea|th|thead|title|tr|u|ul|video|audio"
)
_TAG = rf"</?(?:{_HTML}|abstract)\s*/?>|<[a-z][\w:-]*(?:\s+[\w:-]+\s*=[^<>]*)+>?"
_TAG += r"|<(?:a|embed|form|iframe|img|input|link|meta|object|script|style|svg)\s[^<>]*>?|<!--|<!doctype"
_MARKUP = {
    "the tag of a fence": r"</?[a-z_]+-[0-9a-f]{8,}\s*>?|\b(?:title|abstract)-[0-9a-f]{12}\b",
    # A paper may be about tokens such as <think>: they are no elements, have no attributes and stand inside the text.
    "an HTML tag": rf"(?i){_TAG}|^\s*</?[a-z]\w*>|</?[a-z]\w*>\s*$",
    "an HTML entity": r"&(?:#\d+|#x[0-9a-fA-F]+|[A-Za-z]{2,8});",
    "a code fence": r"```[^`\n]*|~~~\w*",
    "inline code": r"(?<!`)`[^`\n]+`(?!`)",
    "a Markdown link": r"!?\[[^\[\]\n]*\]\([^()\s]*[./:#][^()\s]*\)?",
    "a Markdown heading": r"(?m)^\s{0,3}#{1,6}[ \t]+\S[^\n]*",
    "bold or italic markup": (
        r"(?<![\p{Latin}\d*])\*\*[^\s*][^*\n]*\*\*(?!\d)|(?<!\w)__[^\s_][^_\n]*__(?!\w)|(?<![\w*\\])\*[^\s*](?:[^*\n]*[^\s*])?\*(?![\w*])"
        r"|~~[^\s~][^~\n]*~~"
    ),
    "a list": r"(?m)^[ \t]*(?:[-*+•]|\d{1,2}[.)])[ \t]+\S[^\n]{0,40}",
    "a Markdown quotation": r"(?m)^[ \t]*>[ \t]+\S[^\n]{0,40}",
    "a table": r"(?m)^[ \t]*\|[^\n]*\|[ \t]*$",
    "LaTeX": r"\\(?:[A-Za-z]+(?:\{[^{}]*\})?|[()\[\]])|\$\$|[\^_]\{[^{}]*\}",
    "JSON": r"^\s*[\[{]\s*[\"'{\[].*|[\"']\s*[}\]]\s*$",
    "an e-mail address": r"(?<![\w.+-])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b",
    # A company may be called Booking.com: a bare domain counts in lower case only, or with a path behind it.
    "a link": (
        r"(?i)\b[a-z][a-z0-9+.-]{0,20}://[^\s<>\"'）)]*|\b(?:javascript:|mailto:|data:[a-z]+/)[^\s<>\"')]+|\bwww\.[^\s<>\"')]+"
        r"|(?<![\w.-])[a-z0-9][\w-]*+(?:\.[\w-]++){0,5}\.(?:com|org|net|io|ai|co|cn|ru|dev|me|app|info|xyz|site|top|ly)/[^\s<>\"')]*"
        r"|(?-i:(?<![\w.@-])(?:[a-z0-9][a-z0-9-]*+\.){1,6}(?:com|org|net|io|co|cn|ru|dev|me|app|info|xyz|site|top)\b"
        r"(?![.-]\w))|(?<![\w.@])@[A-Za-z]\w{4,}"
    ),
}
_SECRET = regex.compile(
    r"(?<![\w-])(?:sk|pk|rk)-(?=[\w-]*\d)[\w-]{16,}|\bhf_[A-Za-z0-9]{16,}|\bgh[pousr]_[A-Za-z0-9]{16,}"
    r"|\bgithub_pat_\w{16,}|\bAKIA[0-9A-Z]{12,}|\bAIza[\w-]{30,}|\bxox[abprs]-[\w-]{10,}"
    r"|\beyJ[\w-]{8,}\.eyJ[\w.-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b[A-Z][A-Z0-9_]*_(?:KEY|TOKEN|SECRET)\s*=\s*\S+"
)
_PREAMBLE = regex.compile(
    r"""(?ix) ^ [\s"'«“„*#>]* (?:
      (?:sure|certainly|of\ course|absolutely|okay|ok|great|no\ problem|understood) (?:!|[,.:]\s*(?:here|i\b|let))
    | here(?:['’]s|\ is|\ are) \ (?:an?|the|your|my|four|\d) \b [^.!?]{0,50}
        \b(?:summar\w+|digest|slogan|title|translation|answer|text|json|overview|sentences)\b
    | (?:title|summary|abstract|slogan|tl;?dr) \s* :
    | in\ this\ (?:summary|answer|response)\b
    | (?:конечно|разумеется|хорошо|отлично|безусловно|с\ удовольствием|понял|готово) (?:!|[,.:]\s*(?:вот|я|держи))
    | вот \b [^.!?]{0,40}
        (?:кратк|пересказ|содержани|изложени|перевод|заголов|текст|ответ|резюме|слоган|аннотаци|саммари)
    | (?:заголовок|название|резюме|пересказ|слоган|аннотация|краткое\ содержание) \s* :
    | (?:当然|好的|没问题|明白) [，,！!。：:～~]
    | (?:以下|下面)(?:是|为) [^。！？]{0,20} (?:摘要|总结|概述|标题|翻译|译文|概括|简介|解读|中文版)
    | (?:标题|摘要|总结|正文|概述) \s* [:：]
    | (?:¡?claro|por\ supuesto)[,!:]? .{0,3} (?:aquí|!) | aquí\ (?:tienes|está|va) \b
    | (?:gerne|natürlich|klar) (?:!|[,:]\s*hier)
    | hier\ (?:ist|sind) \b [^.!?]{0,40} (?:zusammenfassung|titel|übersetzung)
    | (?:bien\ sûr|voici) \b [^.!?]{0,40} (?:résumé|titre|traduction|!)
    )"""
)
# What a model under study says stands in quotation marks.
_TALK = regex.compile(
    r"""(?ix) (?<!["“«‘„「]) (?:
      \bas\ an?\ (?:ai|artificial\ intelligence|(?:large\ )?language\ model|assistant)\b[^.,]{0,30}
        (?:,\ i\b|\ i\ (?:am|can|cannot|could|do|don|have|must|was|will|would)\b)
    | \bi(?:['’]m|\ am)\ (?:just\ |only\ )?(?:an?\ )?
        (?:ai\b|(?:large\ )?language\ model|assistant|chatgpt|claude|gpt|sorry)
    | \bi\ (?:can(?:['’]t|not|\ not)|won['’]t|will\ not|am\ unable\ to|apologi[sz]e)\b
    | \bmy\ (?:system\ prompt|instructions)\b
    | \bas\ (?:instructed|requested),
    | \bthe\ abstract\ (?:instructs|contains\ (?:an?\ )?instructions?|asks\ (?:me|to|the\ (?:assistant|model)))\b
    | \bсогласно\ (?:(?:ваш|мо)\w+\ инструкци\w+|инструкции,) | \bпо\ ваше[йм]\w*\ (?:просьбе|запросу)
    | (?:根据|按照|应)(?:您|你)的(?:要求|指示|请求)
    | \b(?:i\ was|i\ have\ been|as\ you)\ (?:asked|told|instructed|requested)\b
    | \bя\s*[—–-]?\s*(?:всего\ лишь\ |просто\ |только\ )?(?:большая\ )?
        (?:языковая\ модель|нейросеть|ии\b|ассистент|помощник|искусственный\ интеллект|chatgpt|claude)
    | \bкак\ (?:большая\ )?(?:языковая\ модель|ии|ассистент|искусственный\ интеллект)[^.,]{0,20},\ я\b
    | \bя\ не\ (?:могу|умею|имею\ права|способ)
    | ^\W*(?:извините|простите|к\ сожалению,\ я)
    | \bмо(?:й|и)\ (?:системн\w+\ промпт|инструкци)
    | 作为(?:一个|一名|一款)?(?:ai|人工智能|大?语言模型|助手)[^。！？]{0,10}我(?!们)
    | (?<!自)我是(?:一个|一名|一款)?(?:ai|人工智能|大?语言模型|助手|chatgpt|claude)
    | ^\W*(?:抱歉|对不起|很遗憾，我)
    | (?<!自)我(?:无法|不能)(?:提供|完成|遵循|总结|帮助|回答|协助)
    | 我的(?:系统)?(?:提示词|指令)
    | \b(?:como\ (?:un\ )?modelo\ de\ lenguaje[^.]{0,5}\ no\ puedo|soy\ un\ (?:modelo\ de\ lenguaje|asistente))
    | \b(?:als\ (?:ki\b|sprachmodell)[^.]{0,25}\ ich|ich\ bin\ eine?\ (?:ki\b|sprachmodell|assistent))
    )"""
)
# Direction overrides, tags and control characters hide text from a reader and not from a machine.
_HIDDEN = regex.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e001f\U000e0080-\U000e0fff]"
    r"|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007f]"
)
_PIECES = {kind: regex.compile(pattern) for kind, pattern in _MARKUP.items()}
# ™, ↔ and their like count as emoji with the selector only: formulas and names use them.
_EMOJI = regex.compile(
    r"\p{Emoji_Presentation}|[\p{Extended_Pictographic}--[\x00-\u25ff]](?!\ufe0e)|[\p{Emoji}--\d]\ufe0f"
    r"|\d\ufe0f?\u20e3",
    flags=regex.V1,
)


def _form_faults(field: str, value: str) -> Iterator[str]:
    rest = value
    for kind, pattern in _PIECES.items():
        if found := pattern.search(rest):
            yield f'The {field} holds {kind}, "{_excerpt(found[0])}": write plain text without it.'
            rest = pattern.sub(" ", rest)
    if found := _SECRET.search(value):
        yield f'The {field} holds what looks like a secret key, "{found[0][:6]}…": leave it out.'
    if found := _PREAMBLE.search(value):
        yield f'The {field} begins with a preamble or a label, "{_excerpt(found[0])}": begin with the matter itself.'
    if found := _TALK.search(value):
        yield f'The {field} talks about its writer or task, "{_excerpt(found[0])}": report on the paper only.'
    if found := _HIDDEN.search(value):
        yield f"The {field} holds the invisible character U+{ord(found[0]):04X}: leave it out."
    if emoji := next((grapheme for grapheme in _graphemes(value) if _EMOJI.search(grapheme)), None):
        yield f'The {field} holds the emoji "{emoji}": leave it out.'


def _emoji_faults(emoji: str | None) -> Iterator[str]:
    graphemes = _graphemes((emoji or "").strip())
    if not graphemes:
        yield "The emoji is missing: give one."
    elif not all(_is_emoji(grapheme) for grapheme in graphemes):
        yield f'The field emoji holds "{_excerpt(emoji or "", 20)}": give one emoji and nothing else.'
    elif len(graphemes) > 1:
        yield f'The field emoji holds {len(graphemes)} emoji, "{"".join(graphemes[:8])}": give only one.'


def _is_emoji(grapheme: str) -> bool:
    if regex.match(r"\p{Regional_Indicator}", grapheme):
        return len(grapheme) == 2
    return bool(regex.match(r"\p{Extended_Pictographic}|[0-9#*]\ufe0f?\u20e3", grapheme))


# Sentences

_OPEN_END = regex.compile(
    r"(?i)\b(?:vs|cf|e\.\s?g|i\.\s?e|et\s+al|figs?|eq|approx|resp|т\.\s?[екн]|см|рис|табл|напр|ср|им|стр|гл|p\.\s?ej"
    r"|z\.\s?b|d\.\s?h|bzw|ca|vgl|abb)\.\s*$|[\p{Latin}\d]\.$"
)


def _sentences(language: str, text: str) -> list[str]:
    from sentencex import segment

    sentences: list[str] = []
    # The library sees no end in "。7B".
    spaced = regex.sub(r"(?<=[。！？])(?=\d)", " ", " ".join(text.split()))
    for piece in segment(language, spaced):
        first = regex.search(r"[\p{L}\d]+", piece)
        # The library breaks after abbreviations that it does not know and in names: "т. е. LLM", "Character.AI".
        if sentences and (_OPEN_END.search(sentences[-1]) or not first or regex.fullmatch(r"\p{Ll}+", first[0])):
            sentences[-1] += piece
        else:
            sentences.append(str(piece))
    return [sentence.strip() for sentence in sentences]


def _sentence_faults(language: str, text: str, asked: int | None) -> Iterator[str]:
    if not text.strip():
        yield "The text is empty: write it."
        return
    # The library takes two marks of inches for a quotation, and a quotation for one sentence.
    counts = [len(_sentences(language, reading)) for reading in (text, regex.sub(r"[\"'`«»“”]", "", text))]
    found = max(counts)
    if asked is not None and all(abs(count - asked) > SENTENCE_TOLERANCE for count in counts):
        yield f"The text has {found} sentence{'s' if found > 1 else ''}, {asked} are asked: write exactly {asked}."


# Language

_OWN = ("Cyrillic", "Arabic", "Hebrew", "Devanagari", "Bengali", "Tamil", "Telugu", "Thai", "Georgian", "Armenian")
_SCRIPTS = {name: rf"\p{{{name}}}" for name in _OWN} | {
    "Chinese": r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}"
}
# Names and terms of papers are Latin: a text is taken for one in another script from this share of its letters on.
_SHARE_OF_SCRIPT = 0.2


def _knows(language: str) -> bool:
    return len(language) == 2 and language in _detector().labels


def _wrong_language(language: str, text: str) -> str | None:
    found = detected_language(text)
    if found in (None, language) or not _knows(language):
        return None
    return f"The text is in the language {found}, {language} is asked: write title and text in {language}."


def _foreign_faults(language: str, title: str, text: str, source: str) -> Iterator[str]:
    script = _script(text)
    foreign = regex.compile(
        rf"[\p{{L}}--[\p{{Latin}}\p{{Greek}}\p{{Common}}\p{{Inherited}}{_SCRIPTS.get(script, '')}]]+", flags=regex.V1
    )
    for run in dict.fromkeys(str(run) for run in foreign.findall(f"{title}\n{text}")):
        if run not in source:
            yield f'"{_excerpt(run)}" is in another script than the language {language}: write it in {language}.'
    if script in _SCRIPTS and title.strip() and not regex.search(f"[{_SCRIPTS[script]}]", title):
        yield f'The title "{_excerpt(title)}" is not in the language {language}: write it in {language}.'
    for sentence in _sentences(language, text) if _knows(language) else ():
        other, sure = _detect(sentence)
        if other != language and sure > SURE_OF_SENTENCE and len(sentence) >= SHORTEST_FOREIGN_SENTENCE:
            yield f'The sentence "{_excerpt(sentence)}" is in the language {other}: write it in {language}.'


def _script(text: str) -> str:
    letters = len(regex.findall(r"\p{L}", text))
    counts = {name: len(regex.findall(f"[{members}]", text)) for name, members in _SCRIPTS.items()}
    most = max(counts, key=lambda name: counts[name])
    return most if counts[most] >= letters * _SHARE_OF_SCRIPT else "Latin"


_WORD = r"[\p{Latin}\d]+(?:[-‑–@'’_.+][\p{Latin}\d]+)*"
_RUN = regex.compile(rf"{_WORD}(?:[ \u00a0]{_WORD})*")


def _russian_faults(prose: str, paper_title: str, terms: frozenset[str]) -> Iterator[str]:
    """Lower-case Latin words that no term explains. A word with a capital, a digit, a point or an underscore inside is
    a name or an abbreviation, and so is the first word of the paper's title; Mixture of Experts keeps its "of"."""
    for pattern in _PIECES.values():
        prose = pattern.sub("\n", prose)
    name = regex.match(_WORD, paper_title)
    passing = terms | {name[0] if name else ""}
    strangers: list[str] = []
    for run in _RUN.findall(prose):
        words = regex.split(r"[ \u00a0]", run)
        named = [position for position, word in enumerate(words) if regex.search(r"[\p{Lu}\d._]", word)]
        for position, word in enumerate(words):
            inside = bool(named) and named[0] < position < named[-1] and len(word) <= 3
            if len(word) > 1 and position not in named and not inside and word not in passing:
                strangers.append(word)
    if strangers:
        listed = ", ".join(f'"{word}"' for word in list(dict.fromkeys(strangers))[:8])
        yield f"The Russian holds English words in lower case, {listed}: put them into Russian."


# Numbers

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
_HAN_SCALES = {"十": 1, "百": 2, "千": 3, "万": 4, "萬": 4, "만": 4, "亿": 8, "億": 8, "억": 8, "兆": 12}
_HAN = f"[{''.join(_HAN_SCALES)}]"
_QUANTITY = regex.compile(
    rf"(?P<number>{_GROUPED}|{_NUMBER})"
    r"(?:(?P<power>(?:\s*(?:\\times|×|x|\*)\s*10)?\^\{?-?\d{1,2}(?!\d)\}?)"
    rf"|[\s-]{{0,2}}(?:{'|'.join(f'(?P<e{power}>{words})' for power, words in _SCALES.items())})\.?"
    r"|\s?(?P<short>[kmbtкм])(?![\p{Latin}\p{Cyrillic}])"
    rf"|\s?(?P<han>{_HAN}+)(?!分)(?:(?P<rest>{_NUMBER})(?P<han_rest>{_HAN}+))?)?"
    r"(?P<percent>\s?(?:%|％|成|процент\w*|percent|per\s?cent|por\s+ciento|Prozent))?",
    flags=regex.IGNORECASE,
)
_ENGLISH = (
    "zero|one once|two twice double doubles doubled doubling both pair second half halves halved halving|three triple "
    "tripled third thirds thrice|four fourth quarter quarters quadruple|five fifth|six sixth|seven seventh|"
    "eight eighth|nine ninth|ten tenth|eleven|twelve dozen|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
    "nineteen|twenty"
)
_TENS = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {word: Decimal(value) for value, words in enumerate(_ENGLISH.split("|")) for word in words.split()}
_WORDS |= {word: Decimal(10 * value) for value, word in enumerate(_TENS, start=3)}
_WORD_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_BETWEEN = regex.compile(r"\s?(?:[-–—~,、至到和]|and|or|to|bis|und|[yaи]|или|до)\s?")
_NAME = regex.compile(rf"(?<![\p{{L}}\d]){_LETTER}+(?:[-‑–@_./=+]?(?:{_LETTER}|\d)+)*")


def _number_warnings(prose: str, source: str) -> Iterator[str]:
    """Numbers in digits that occur in the source in no reading: by value, whatever the separators, scale or percent.
    A name of the source (GPT-4, MATH500) holds no numbers, and a bare 1 is none."""
    known = {value for _, readings in _numbers(source) for value in readings} | set(_spelled(source))
    names = {_bare(name) for name in _NAME.findall(source) if regex.search(r"\d", name)}
    plain = _NAME.sub(lambda name: " " if _bare(name[0]) in names else name[0], prose)
    for number, readings in dict(_numbers(plain)).items():
        if number != "1" and not readings & known:
            yield f'The number "{number}" occurs neither in the abstract nor in the title: compare them.'


def _numbers(text: str) -> Iterator[tuple[str, frozenset[Decimal]]]:
    """Each number as it stands with its scale and percent sign, and every value it can mean."""
    text = text.replace("{,}", ",").replace("\\%", "%").replace("\\,", " ")
    quantities = list(_QUANTITY.finditer(text))
    for found, following in zip(quantities, [*quantities[1:], None], strict=False):
        values = _scaled(found, _readings(found["number"]))
        # In "from 3 to 8 billion" the first number shares the scale of the second.
        if following and _BETWEEN.fullmatch(text, found.end(), following.start()):
            shared = _readings(following["number"])
            if any(shared):
                values |= {value * scaled / max(shared) for value in values for scaled in _scaled(following, shared)}
        if found["percent"]:
            values |= {value / 100 for value in values}
            values |= {value * 1000 for value in values} if "成" in found["percent"] else set()
        yield found[0].strip(), frozenset(values)


def _scaled(found: Any, values: set[Decimal]) -> set[Decimal]:
    if power := next((power for power in _SCALES if found[f"e{power}"]), None):
        return _times(values, power)
    if found["short"]:
        power = _SHORT_SCALES[found["short"].lower()]
        scaled = _times(values, power) | ({value * 1024 for value in values} if power == 3 else set())
        # "12 m" may be metres and "3 B" a name: only an attached capital is surely a scale.
        sure = found["short"] in "KMB" and found.end("number") == found.start("short")
        return scaled if sure else scaled | values
    if found["han"]:
        rest = _times(_readings(found["rest"]), _han(found["han_rest"])) if found["rest"] else {Decimal(0)}
        scaled = {value + more for value in _times(values, _han(found["han"])) for more in rest}
        # 千 of 千克 and 十 of 十字 belong to the word that follows.
        return scaled | values if found["han"] in "十百千" else scaled
    if found["power"]:
        factor, _, exponent = found["power"].strip().partition("^")
        raised = int(exponent.strip("{}"))
        return values | (_times(values, raised) if factor else {value**raised for value in values if value})
    return values


def _times(values: set[Decimal], power: int) -> set[Decimal]:
    return {value * Decimal(10) ** power for value in values}


def _han(signs: str) -> int:
    return sum(_HAN_SCALES[sign] for sign in signs)


def _readings(number: str) -> set[Decimal]:
    """1,234 is 1234 in English and 1.234 in Russian; 10 000 is one number, and 128 256 may be two."""
    joined = regex.sub(rf"[{_SPACES}]", "", number)
    readings = set()
    for comma, point in ((",", "."), (".", ",")):
        if regex.fullmatch(rf"\d{{1,3}}(?:\{comma}\d{{3}})+(?:\{point}\d+)?|\d+(?:\{point}\d+)?", joined):
            readings.add(Decimal(joined.replace(comma, "").replace(point, ".")))
    if joined != number or not readings:
        readings |= {Decimal(part) for part in regex.findall(r"\d+", number)}
    return readings


def _spelled(source: str) -> Iterator[Decimal]:
    """The numbers that an English source spells out: seven, twice, a third, twenty-five, two hundred million."""
    words = regex.findall(r"[a-z]+", source.lower())
    total: Decimal | None = None
    for word, following in pairwise([*words, ""]):
        if word.rstrip("s") in _WORD_SCALES:
            total = (total or Decimal(1)) * Decimal(10) ** _WORD_SCALES[word.rstrip("s")]
            yield total
        elif (word := word.removesuffix("fold")) in _WORDS:
            value = _WORDS[word]
            total = total + value if total is not None and value < 10 and total >= 20 and total % 10 == 0 else value
            yield from (value, total)
        else:
            total = None
        if word in ("half", "quarter", "third"):
            share = {"half": 2, "quarter": 4, "third": 3}[word]
            yield from (Decimal(1) / share, Decimal(100) / share)
        if word == "magnitude" or following == "fold":
            yield Decimal(10)
