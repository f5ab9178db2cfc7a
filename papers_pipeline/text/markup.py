"""Finds what plain text from a model must not contain: markup, links, secrets, emoji and such."""

from collections.abc import Iterator
from typing import Any

import regex

from papers_pipeline.base.characters import bare, excerpt, graphemes
from papers_pipeline.base.faults import Fault

_HTML = (
    "a|abbr|b|big|blockquote|body|br|button|center|code|div|em|embed|font|footer|form|h[1-6]|head|header|hr|html|i|"
    "iframe|img|input|ins|del|li|link|main|mark|math|meta|nav|object|ol|p|pre|q|s|script|section|small|span|strike|"
    "strong|style|sub|sup|svg|table|tbody|td|template|textarea|th|thead|title|tr|u|ul|video|audio"
)
_TAG = rf"</?(?:{_HTML}|abstract)\s*/?>|<[a-z][\w:-]*(?:\s+[\w:-]+\s*=[^<>]*)+>?"
_TAG += r"|<(?:a|embed|form|iframe|img|input|link|meta|object|script|style|svg)\s[^<>]*>?"
_TAG += r"|<!--|<!doctype"
_PATTERNS = {
    "the tag of a fence": r"</?[a-z_]+-[0-9a-f]{8,}\s*>?|\b(?:title|abstract)-[0-9a-f]{12}\b",
    # Papers discuss tokens such as <think>. Those are not HTML elements, have no attributes and
    # stand inside the text.
    "an HTML tag": rf"(?i){_TAG}|^\s*</?[a-z]\w*>|</?[a-z]\w*>\s*$",
    "an HTML entity": r"&(?:#\d+|#x[0-9a-fA-F]+|[A-Za-z]{2,8});",
    "a code fence": r"``[^`\n]*|~~~\w*",
    "inline code": r"(?<!`)`[^`\n]+`(?!`)",
    "a Markdown link": r"!?\[[^\[\]\n]*\]\([^()\s]*[./:#][^()\s]*\)?",
    "a Markdown heading": r"(?m)^\s{0,3}#{1,6}[ \t]+\S[^\n]*",
    "bold or italic markup": (
        r"(?<![\p{Latin}\d*])\*\*[^\s*][^*\n]*\*\*(?!\d)|(?<!\w)__[^\s_][^_\n]*__(?!\w)"
        r"|(?<![\w*\\])\*[^\s*](?:[^*\n]*[^\s*])?\*(?![\w*])"
        r"|~~[^\s~][^~\n]*~~"
    ),
    # "1) … 2) …" within a line is prose, even at the start of the text.
    "a list": (
        r"(?m)^[ \t]*[-*+•][ \t]+\S[^\n]{0,40}"
        r"|(?:(?<=\n)[ \t]*|^[ \t]*(?=[^\n]*\n))(?:\d{1,2}(?:[.)][ \t]+|[）、])|[①-⑳])\S[^\n]{0,40}"
    ),
    "a Markdown quotation": r"(?m)^[ \t]*>[ \t]+\S[^\n]{0,40}",
    "a table": r"(?m)^[ \t]*\|[^\n]*\|[ \t]*$",
    "LaTeX": r"\\(?:[A-Za-z]+(?:\{[^{}]*\})?|[()\[\]])|\$\$|[\^_]\{[^{}]*\}",
    "JSON": r"^\s*[\[{]\s*[\"'{\[].*|[\"']\s*[}\]]\s*$",
    "an e-mail address": r"(?<![\w.+-])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b",
    # A company may be called Booking.com: a bare domain counts only in lower case or with a path.
    "a link": (
        r"(?i)\b[a-z][a-z0-9+.-]{0,20}://[^\s<>\"'）)]*"
        r"|\b(?:javascript:|mailto:|data:[a-z]+/)[^\s<>\"')]+|\bwww\.[^\s<>\"')]+"
        r"|(?<![\w.-])[a-z0-9][\w-]*+(?:\.[\w-]++){0,5}"
        r"\.(?:com|org|net|io|ai|co|cn|ru|dev|me|app|info|xyz|site|top|ly)/[^\s<>\"')]*"
        r"|(?-i:(?<![\w.@-])(?:[a-z0-9][a-z0-9-]*+\.){1,6}"
        r"(?:com|org|net|io|co|cn|ru|dev|me|app|info|xyz|site|top)\b(?![.-]\w))"
        r"|(?<![\w.@])@[A-Za-z]\w{4,}"
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
      (?:sure|certainly|of\ course|absolutely|okay|ok|great|no\ problem|understood)
        (?:!|[,.:]\s*(?:here|i\b|let))
    | here(?:['’]s|\ is|\ are) \ (?:an?|the|your|my|four|\d) \b [^.!?]{0,50}
        \b(?:summar\w+|digest|slogan|title|translation|answer|text|json|overview|sentences)\b
    | (?:title|summary|abstract|slogan|tl;?dr) \s* :
    | in\ this\ (?:summary|answer|response)\b
    | (?:конечно|разумеется|хорошо|отлично|безусловно|с\ удовольствием|понял|готово)
        (?:!|[,.:]\s*(?:вот|я|держи))
    | вот \b [^.!?]{0,40}
        (?:кратк|пересказ|содержани|изложени|перевод|заголов|текст|ответ|резюме|слоган|аннотаци
        |саммари)
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
# Papers quote models: talk inside quotation marks is not the writer's own.
_TALK = regex.compile(
    r"""(?ix) (?<!["“«‘„「]) (?:
      \bas\ an?\ (?:ai|artificial\ intelligence|(?:large\ )?language\ model|assistant)\b[^.,]{0,30}
        (?:,\ i\b|\ i\ (?:am|can|cannot|could|do|don|have|must|was|will|would)\b)
    | \bi(?:['’]m|\ am)\ (?:just\ |only\ )?(?:an?\ )?
        (?:ai\b|(?:large\ )?language\ model|assistant|chatgpt|claude|gpt|sorry)
    | \bi\ (?:can(?:['’]t|not|\ not)|won['’]t|will\ not|am\ unable\ to|apologi[sz]e)\b
    | \bmy\ (?:system\ prompt|instructions)\b
    | (?:^|(?<=[.!?:;]\s))as\ (?:instructed|requested),
    | \bthe\ abstract\ (?:instructs|contains\ (?:an?\ )?instructions?
        |asks\ (?:me|to|the\ (?:assistant|model)))\b
    | \bсогласно\ (?:(?:ваш|мо)\w+\ инструкци\w+|инструкции,)
    | \bпо\ ваше[йм]\w*\ (?:просьбе|запросу)
    | (?:根据|按照|应)(?:您|你)的(?:要求|指示|请求)
    | \b(?:i\ was|i\ have\ been|as\ you)\ (?:asked|told|instructed|requested)\b
    | \bя\s*[—–-]?\s*(?:всего\ лишь\ |просто\ |только\ )?(?:большая\ )?
        (?:языковая\ модель|нейросеть|ии\b|ассистент|помощник|искусственный\ интеллект
        |chatgpt|claude)
    | \bкак\ (?:большая\ )?(?:языковая\ модель|ии|ассистент|искусственный\ интеллект)
        [^.,]{0,20},\ я\b
    | \bя\ не\ (?:могу|умею|имею\ права|способ)
    | ^\W*(?:извините|простите|к\ сожалению,\ я)
    | \bмо(?:й|и)\ (?:системн\w+\ промпт|инструкци)
    | 作为(?:一个|一名|一款)?(?:ai|人工智能|大?语言模型|助手)[^。！？]{0,10}我(?!们)
    | (?<!自)我是(?:一个|一名|一款)?(?:ai|人工智能|大?语言模型|助手|chatgpt|claude)
    | ^\W*(?:抱歉|对不起|很遗憾，我)
    | (?<!自)我(?:无法|不能)(?:提供|完成|遵循|总结|帮助|回答|协助)
    | 我的(?:系统)?(?:提示词|指令)
    | \b(?:como\ (?:un\ )?modelo\ de\ lenguaje[^.]{0,5}\ no\ puedo
        |soy\ un\ (?:modelo\ de\ lenguaje|asistente))
    | \b(?:als\ (?:ki\b|sprachmodell)[^.]{0,25}\ ich
        |ich\ bin\ eine?\ (?:ki\b|sprachmodell|assistent))
    )"""
)
# Direction overrides, tags and control characters hide text from people but not from machines.
_HIDDEN = regex.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e001f\U000e0080-\U000e0fff]"
    r"|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007f]"
)
_TOP_LEVEL = "com|org|net|io|co|cn|ru|dev|me|app|info|xyz|site|top"
_DOMAIN = regex.compile(rf"(?<![\w.@/-])[a-z0-9][a-z0-9-]*+\.(?:{_TOP_LEVEL})\b(?![./-]\w|/)")
_LINKS = ("a link", "an e-mail address")
MARKUP = {kind: regex.compile(pattern) for kind, pattern in _PATTERNS.items()}
# ™, ↔ and the like count as emoji only with the emoji selector: formulas and names use them.
_EMOJI = regex.compile(
    r"\p{Emoji_Presentation}|[\p{Extended_Pictographic}--[\x00-\u25ff]](?!\ufe0e)|[\p{Emoji}--\d]\ufe0f"
    r"|\d\ufe0f?\u20e3",
    flags=regex.V1,
)


def form_faults(field: str, value: str, subject: str = "") -> Iterator[Fault]:
    """The faults in the form of a title or a text, as corrections that name the field.

    `subject` is the paper's title: a domain whose name is in it, as a study of moltbook.com has, is
    no link.
    """
    rest = _DOMAIN.sub(lambda found: _spoken(found, bare(subject)), value)
    for kind, pattern in MARKUP.items():
        found = pattern.search(rest)
        if found:
            rule = "link" if kind in _LINKS else "markup"
            message = (
                f'The {field} holds {kind}, "{excerpt(found[0])}": write plain text without it.'
            )
            yield Fault(rule, message)
            rest = pattern.sub(" ", rest)
    yield from _injection_faults(field, value)
    emoji = [grapheme for grapheme in graphemes(value) if _EMOJI.search(grapheme)]
    if emoji:
        message = f'The {field} holds the emoji "{emoji[0]}": leave it out.'
        yield Fault("emoji_in_text", message, "style")


def without_markup(text: str) -> str:
    """The text with a line break in place of everything that plain text must not contain."""
    for pattern in (*MARKUP.values(), _SECRET):
        text = pattern.sub("\n", text)
    return text


def _spoken(domain: Any, subject: str) -> str:
    """The name of a domain if the paper is about it; otherwise the domain."""
    name = domain[0].rpartition(".")[0]
    return str(name if subject and bare(name) in subject else domain[0])


def _injection_faults(field: str, value: str) -> Iterator[Fault]:
    """The faults of an answer that talks to its reader, hides something or gives a secret away."""
    found = _SECRET.search(value)
    if found:
        message = (
            f'The {field} holds what looks like a secret key, "{found[0][:6]}…": leave it out.'
        )
        yield Fault("secret", message)
    found = _PREAMBLE.search(value)
    if found:
        message = (
            f'The {field} begins with a preamble or a label, "{excerpt(found[0])}": '
            "begin with the matter itself."
        )
        yield Fault("preamble", message)
    found = _TALK.search(value)
    if found:
        message = (
            f'The {field} talks about its writer or task, "{excerpt(found[0])}": '
            "report on the paper only."
        )
        yield Fault("talk", message)
    found = _HIDDEN.search(value)
    if found:
        message = f"The {field} holds the invisible character U+{ord(found[0]):04X}: leave it out."
        yield Fault("hidden", message)


def emoji_faults(emoji: str | None) -> Iterator[Fault]:
    """The faults of an answer's emoji, which must be exactly one."""
    signs = graphemes((emoji or "").strip())
    if not signs:
        yield Fault("emoji", "The emoji is missing: give one.")
    elif not all(_is_emoji(grapheme) for grapheme in signs):
        given = excerpt(emoji or "", 20)
        message = f'The field emoji holds "{given}": give one emoji and nothing else.'
        yield Fault("emoji", message)
    elif len(signs) > 1:
        given = "".join(signs[:8])
        message = f'The field emoji holds {len(signs)} emoji, "{given}": give only one.'
        yield Fault("emoji", message)


def _is_emoji(grapheme: str) -> bool:
    if regex.match(r"\p{Regional_Indicator}", grapheme):
        return len(grapheme) == 2
    return bool(regex.match(r"\p{Extended_Pictographic}|[0-9#*]\ufe0f?\u20e3", grapheme))
