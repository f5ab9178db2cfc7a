"""Recognizes lines and sentences that can name an author's institution."""

import re
from collections.abc import Iterable, Iterator

from papers_pipeline.base.characters import one_line

LONGEST_FOOTNOTES = 1500
"""Characters kept of all footnotes together."""

# Names are capitalized. 'technologies' and 'research' in a sentence are not names.
INSTITUTION = re.compile(
    r"(?<!\w)(?=[A-ZÀ-Þ])"
    r"(?i:universi|institut|college|school of|faculty|d[ée]p(?:artmen)?t|laborator|labs?\b|"
    r"cent(?:er|re)\b|academy|hospital|polyte[ck]|[ée]cole|hochschule|scuola|politecnic|"
    r"inc\b|corp|ltd\b|llc\b|gmbh|company\b|foundation|ministry|cnrs\b|inria\b|research\b|"
    r"technolog(?:y|ies)\b)|大学|学院|研究"
)
# 'is with the', 'at Example', 'worked while at', 'affiliated with'.
_PLACED = re.compile(
    r"\b(?:is|are|was|were) (?:also )?(?:with|at)\b|\b(?:at|from) (?:the )?[A-Z]|"
    r"affiliat|\bintern(?:ship)?\b|"
    r"\b(?:done|performed|conducted|completed) (?:while|during|at)\b"
)
_CONTACT = re.compile(
    r"correspond|equal(?:ly)? contribut|equal (?:advising|author)|co-first", re.IGNORECASE
)
# Also matches both halves of a list that continues on the next line: '{ada,' 'bo}@example.org'.
_EMAIL = re.compile(
    r"[\w.+*-]+(?:\s?@\s?|\[at\])[\w-]+(?:\.[\w-]+)+|\{[^}]*\}\s?@\s?[\w.-]+|"
    r"\{[^{}]*[,@][^{}]*$|^[^{}]*\}\s?@\s?[\w.-]+|^\s*@[\w.-]+",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"(?:https?\s?:\s?//\s?|www\.|github\.com/|huggingface\.co/)[^\s,;)]*", re.IGNORECASE
)
_LABELS = re.compile(
    r"e-?mails?|address(?:es)?|correspondence|"
    r"(?:contributing|corresponding) authors?(?:\(s\))?|project (?:web)?page|"
    r"homepage|web ?site|code|data(?:sets?)?|models?|demo|blog|github|repo(?:sitory)?|"
    r"hugging ?face|\b(?:and|to|at)\b",
    re.IGNORECASE,
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_BOILERPLATE = re.compile(
    r"preprint|under review|work in progress|published (?:as|in)|accepted (?:at|to|by)|"
    r"proceedings of|openreview|permission to make|copyright|©|all rights reserved|"
    r"manuscript received|keywords|index terms|ccs concepts|acm reference|"
    r"additional key words|\bdated?:|conference on|doi\.org|article info|technical report|"
    r"\d+(?:st|nd|rd|th) (?:conference|workshop|international)|"
    rf"^\W*(?:(?:{_MONTHS})\s+(?:\d{{1,2}},?\s+)?\d{{4}}|\d{{1,2}}\s+(?:{_MONTHS})\s+\d{{4}})\W*$",
    re.IGNORECASE,
)
_IMPRINT = re.compile(
    r"permission|copyright|©|proceedings|conference|openreview|keywords|index terms", re.IGNORECASE
)
_MARK_ONLY = re.compile(
    r"[\W\d]*(?:these authors )?"
    r"(?:corresponding authors?|co-?first authors?|equal (?:contributions?|advising)|"
    r"contributed equally(?: to this work)?|project leads?)[\W\d]*",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[a-z)\]>\"”]{2}[.;])\s+(?=[A-Z\d∗*†‡§¶])")
_WORD = re.compile(r"[^\W\d_]{2,}")


def without_contacts(text: str) -> str:
    """The line without e-mail addresses and links, or '' if the rest cannot name anyone."""
    has_letters = any(character.isalpha() for character in text)
    if not has_letters or _MARK_ONLY.fullmatch(text):
        return ""
    rest = _LINK.sub("", _EMAIL.sub("", text))
    if rest != text:
        if not _WORD.search(_LABELS.sub("", rest)):
            return ""
        text = re.sub(r"<\s*>|\(\s*\)|\[\s*\]", "", rest).strip(" ,;:|/")
    if _BOILERPLATE.search(text) and (_IMPRINT.search(text) or not INSTITUTION.search(text)):
        return ""
    return one_line(text)


def institution_sentences(footnotes: Iterable[str], byline_has_institutions: bool) -> Iterator[str]:
    """The sentences of each footnote that can name an institution.

    Together they have at most LONGEST_FOOTNOTES characters. If the byline names institutions, a
    footnote with contacts only repeats them. If not, the sentences before 'Correspondence to' are
    kept as well, because the name of a company can have any form.
    """
    remaining = LONGEST_FOOTNOTES
    for footnote in footnotes:
        if re.search(r"permission to make|copyright|©", footnote, re.IGNORECASE):
            continue
        has_author_contacts = re.match(r"authors?['’] (?:contact|address)", footnote, re.IGNORECASE)
        if byline_has_institutions and has_author_contacts:
            continue
        sentences = _SENTENCE_END.split(footnote)
        if byline_has_institutions:
            kept = [sentence for sentence in sentences if _names_institution(sentence)]
        else:
            kept = _with_unknown_names(sentences)
        text = _without_correspondence(" ".join(kept))[:remaining]
        remaining -= len(text)
        if text:
            yield text


def _with_unknown_names(sentences: list[str]) -> list[str]:
    """The sentences that name an institution, and those before the last contact that may do so."""
    last_contact = -1
    for index, sentence in enumerate(sentences):
        if _CONTACT.search(sentence):
            last_contact = index
    kept = []
    for index, sentence in enumerate(sentences):
        may_name = index <= last_contact and not _is_contact(sentence)
        if may_name or _names_institution(sentence):
            kept.append(sentence)
    return kept


def _without_correspondence(text: str) -> str:
    """The text without e-mail addresses, and without the names listed after 'Correspondence to'."""
    text = " ".join(re.sub(r"<\s*>", "", _EMAIL.sub("", text)).split())
    found = re.search(r"\W*\bCorrespond(?:ence to|ing authors?)\b", text)
    if not found or INSTITUTION.search(text, found.end()) or _PLACED.search(text, found.end()):
        return text
    return f"{text[: found.start()]}."


def _is_contact(sentence: str) -> bool:
    without_email = _EMAIL.sub("", sentence)
    return bool(
        _MARK_ONLY.fullmatch(without_email)
        or _LINK.search(sentence)
        or re.match(r"\W*correspond", without_email.lower())
    )


def _names_institution(sentence: str) -> bool:
    if _MARK_ONLY.fullmatch(_EMAIL.sub("", sentence)):
        return False
    if _LINK.search(sentence) or _BOILERPLATE.search(sentence):
        return bool(re.search(r"Universi|Institut|Department", sentence))
    return bool(INSTITUTION.search(sentence) or _PLACED.search(sentence) or _is_address(sentence))


def _is_address(sentence: str) -> bool:
    """'Accelerator, Example R&D, Bangalore, India': nearly all words are capitalized."""
    words: list[str] = re.findall(r"[^\W\d_]+", sentence)
    if "," not in sentence or len(words) <= 2:
        return False
    capitalized = sum(word[0].isupper() for word in words)
    return capitalized > 0.75 * len(words)


def is_prose(text: str, lines: int = 1) -> bool:
    """Whether the text of `lines` lines is running text: mostly lowercase words."""
    words = _WORD.findall(_EMAIL.sub("", text))
    lowercase = sum(word.islower() for word in words)
    return len(words) > 5 * lines and lowercase > 0.62 * len(words)
