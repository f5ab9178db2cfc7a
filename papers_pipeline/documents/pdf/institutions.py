"""Which printed lines and sentences can name an author's institution: pure functions on text."""

import re
from collections.abc import Iterable, Iterator

LONGEST_FOOTNOTES = 1500

# Names are written with capitals: 'technologies' and 'research' in a sentence are none.
INSTITUTION = re.compile(
    r"(?<!\w)(?=[A-ZÀ-Þ])(?i:universi|institut|college|school of|faculty|d[ée]p(?:artmen)?t|laborator|labs?\b|"
    r"cent(?:er|re)\b|academy|hospital|polyte[ck]|[ée]cole|hochschule|scuola|politecnic|inc\b|corp|ltd\b|llc\b|gmbh|"
    r"company\b|foundation|ministry|cnrs\b|inria\b|research\b|technolog(?:y|ies)\b)|大学|学院|研究"
)
# 'is with the', 'at Example', 'worked while at', 'affiliated with'.
_PLACED = re.compile(
    r"\b(?:is|are|was|were) (?:also )?(?:with|at)\b|\b(?:at|from) (?:the )?[A-Z]|affiliat|\bintern(?:ship)?\b|"
    r"\b(?:done|performed|conducted|completed) (?:while|during|at)\b"
)
_CONTACT = re.compile(
    r"correspond|equal(?:ly)? contribut|equal (?:advising|author)|co-first", re.IGNORECASE
)
# Also of a list of addresses that goes on in the next line: '{ada,' 'bo}@example.org'.
_EMAIL = re.compile(
    r"[\w.+*-]+(?:\s?@\s?|\[at\])[\w-]+(?:\.[\w-]+)+|\{[^}]*\}\s?@\s?[\w.-]+|"
    r"\{[^{}]*[,@][^{}]*$|^[^{}]*\}\s?@\s?[\w.-]+|^\s*@[\w.-]+",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"(?:https?\s?:\s?//\s?|www\.|github\.com/|huggingface\.co/)[^\s,;)]*", re.IGNORECASE
)
_LABELS = re.compile(
    r"e-?mails?|address(?:es)?|correspondence|(?:contributing|corresponding) authors?(?:\(s\))?|project (?:web)?page|"
    r"homepage|web ?site|code|data(?:sets?)?|models?|demo|blog|github|repo(?:sitory)?|hugging ?face|\b(?:and|to|at)\b",
    re.IGNORECASE,
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_BOILERPLATE = re.compile(
    r"preprint|under review|work in progress|published (?:as|in)|accepted (?:at|to|by)|proceedings of|openreview|"
    r"permission to make|copyright|©|all rights reserved|manuscript received|keywords|index terms|ccs concepts|"
    r"acm reference|additional key words|\bdated?:|conference on|doi\.org|article info|technical report|"
    r"\d+(?:st|nd|rd|th) (?:conference|workshop|international)|"
    rf"^\W*(?:(?:{_MONTHS})\s+(?:\d{{1,2}},?\s+)?\d{{4}}|\d{{1,2}}\s+(?:{_MONTHS})\s+\d{{4}})\W*$",
    re.IGNORECASE,
)
_IMPRINT = re.compile(
    r"permission|copyright|©|proceedings|conference|openreview|keywords|index terms", re.IGNORECASE
)
_MARK_ONLY = re.compile(
    r"[\W\d]*(?:these authors )?(?:corresponding authors?|co-?first authors?|equal (?:contributions?|advising)|"
    r"contributed equally(?: to this work)?|project leads?)[\W\d]*",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[a-z)\]>\"”]{2}[.;])\s+(?=[A-Z\d∗*†‡§¶])")
_WORD = re.compile(r"[^\W\d_]{2,}")


def without_contacts(text: str) -> str:
    """A line of a byline without e-mail addresses and links; empty when nothing is left that can name someone."""
    if _MARK_ONLY.fullmatch(text) or not any(sign.isalpha() for sign in text):
        return ""
    rest = _LINK.sub("", _EMAIL.sub("", text))
    if rest != text:
        if not _WORD.search(_LABELS.sub("", rest)):
            return ""
        text = re.sub(r"<\s*>|\(\s*\)|\[\s*\]", "", rest).strip(" ,;:|/")
    if _BOILERPLATE.search(text) and (_IMPRINT.search(text) or not INSTITUTION.search(text)):
        return ""
    return " ".join(text.split())


def institution_sentences(notes: Iterable[str], named: bool) -> Iterator[str]:
    """Of each footnote the sentences that can name an institution, at most LONGEST_FOOTNOTES characters in all.

    When the byline has ``named`` institutions, a footnote that lists contacts only repeats them; when it has not, what
    stands before 'Correspondence to' is kept, because a company has a name of any form.
    """
    left = LONGEST_FOOTNOTES
    for note in notes:
        if re.search(r"permission to make|copyright|©", note, re.IGNORECASE):
            continue
        if named and re.match(r"authors?['’] (?:contact|address)", note, re.IGNORECASE):
            continue
        sentences = _SENTENCE_END.split(note)
        contact = max(
            (n for n, sentence in enumerate(sentences) if _CONTACT.search(sentence)), default=-1
        )
        kept = [
            sentence
            for number, sentence in enumerate(sentences)
            if _names(sentence) or (number <= contact and not named and not _is_contact(sentence))
        ]
        text = _without_contact(" ".join(kept))[:left]
        left -= len(text)
        if text:
            yield text


def _without_contact(text: str) -> str:
    """The text without e-mail addresses and without a list of names behind 'Correspondence to'."""
    text = " ".join(re.sub(r"<\s*>", "", _EMAIL.sub("", text)).split())
    found = re.search(r"\W*\bCorrespond(?:ence to|ing authors?)\b", text)
    if not found or INSTITUTION.search(text, found.end()) or _PLACED.search(text, found.end()):
        return text
    return f"{text[: found.start()]}."


def _is_contact(sentence: str) -> bool:
    without = _EMAIL.sub("", sentence)
    return bool(
        _MARK_ONLY.fullmatch(without)
        or _LINK.search(sentence)
        or re.match(r"\W*correspond", without.lower())
    )


def _names(sentence: str) -> bool:
    if _MARK_ONLY.fullmatch(_EMAIL.sub("", sentence)):
        return False
    if _LINK.search(sentence) or _BOILERPLATE.search(sentence):
        return bool(re.search(r"Universi|Institut|Department", sentence))
    return bool(INSTITUTION.search(sentence) or _PLACED.search(sentence) or _is_address(sentence))


def _is_address(sentence: str) -> bool:
    """'Accelerator, Example R&D, Bangalore, India': names between commas, and hardly another word."""
    words = re.findall(r"[^\W\d_]+", sentence)
    return (
        "," in sentence
        and len(words) > 2
        and sum(word[0].isupper() for word in words) > 0.75 * len(words)
    )


def is_prose(text: str, lines: int = 1) -> bool:
    """Whether the text of so many lines is running text: mostly words without a capital."""
    words = _WORD.findall(_EMAIL.sub("", text))
    return len(words) > 5 * lines and sum(word.islower() for word in words) > 0.62 * len(words)
