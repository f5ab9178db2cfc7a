"""The first-level headings of a paper, in order, as they are printed.

A heading is told by its numbering first: one consecutive chain in one style (1, 2, 3 … or I, II, III …), then the
lettered appendices. What has no number must look like the chain, or have a name that only a section has. The outline of
a PDF is no help: it lists headings that are not printed and lacks Abstract and References.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from papers_pipeline.documents.pdf.hyphenation import join_lines
from papers_pipeline.documents.pdf.lines import Line, Pages, on_one_baseline

LONGEST = 180
"""A heading has no more characters on one line than this."""

_ARABIC = re.compile(r"(\d{1,2})(?:[.:]\s*|\s+)(?=[^\d\W]|[\"“‘(\[$])")
_ROMAN = re.compile(r"([IVX]{1,6})[.:]?\s+(?=\S)")
_LETTER = re.compile(r"([A-Z])(?:[.:]\s*|\s+)(?=[^\d\W]|[\"“‘(])")
_APPENDIX = re.compile(r"appendix\s+([A-Z])\b(?!\.\d)", re.IGNORECASE)
_NUMBER_ALONE = re.compile(r"(?:\d{1,2}|[IVX]{1,6}|[A-Z])(?:\.\d{1,2})*[.:]?")
_SUBLEVEL = re.compile(r"(?:\d{1,2}|[A-Z]|[IVX]+)\.\d")
_LEADERS = re.compile(r"(?:\. ?){4,}|(?:\s\.){3,}")
_PAGE_AT_END = re.compile(r"[^\W\d].*\s\d{1,3}$")
_ROMAN_VALUES = {
    "I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10,
    "XI": 11, "XII": 12, "XIII": 13, "XIV": 14, "XV": 15, "XVI": 16,
}  # fmt: skip

# Names that are a section's in whatever size they are printed.
_STRONG = re.compile(
    r"abstract|references(?: and notes)?|bibliography|acknowledge?ments?(?: and .{3,40})?|(?:table of )?contents",
    re.IGNORECASE,
)
# Names that are a section's behind the last numbered one; before it they may stand inside of one.
_CLOSING = re.compile(
    r"limitations?|limitations and .{3,40}|ethic(?:s|al) (?:statements?|considerations?)|ethics|"
    r"(?:broader |societal )?impacts?(?: statements?)?|reproducibility(?: statement| and .{3,20})?|"
    r"(?:authors?['’]?s?['’]? )?contributions?|contributors|(?:data|code|data and code) availability(?: statement)?|"
    r"(?:conflicts?|declarations?) of (?:competing )?interests?|competing interests?(?: statements?)?|"
    r"append(?:ix|ices)|supplementa(?:ry|l) materials?|funding|declarations|"
    r"credit author(?:ship contribution)? statement",
    re.IGNORECASE,
)
# Names that never go on in a second line.
_COMPLETE = re.compile(r"abstract|references|(?:table of )?contents|appendices", re.IGNORECASE)
# Names by which the style of headings is known where nothing is numbered.
_COMMON = re.compile(
    r"introduction|related works?|background|preliminaries|methods?|methodology|approach|experiments?|evaluation|"
    r"results?|discussions?|conclusions?|references|main|experimental (?:setup|results)|discussion and conclusions?|"
    r"materials and methods|results and discussion|acknowledge?ments?|abstract",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(r"introduction", re.IGNORECASE)
_RUN_IN_ABSTRACT = re.compile(r"(abstract)(?:\s*[—–:.\-]+\s*|\s+(?=[A-Z]))", re.IGNORECASE)
_SPACED_ABSTRACT = re.compile(r"a\s?b\s?s\s?t\s?r\s?a\s?c\s?t", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that stands in the lines ``first`` to before ``end``; of a run-in one the text goes on in its line."""

    title: str
    first: int
    end: int
    run_in: int = 0
    """How many characters of its line belong to a heading that is run in."""


@dataclass(slots=True)
class Candidate:
    """A line, or a number and a title on one baseline, that may be a heading."""

    first: int
    end: int
    text: str
    line: Line
    """Its first line: a title may be in the font of code or mathematics, its number is in that of all headings."""
    numbers: dict[str, int] = field(default_factory=dict)
    """What its number may be, by the kind of numbering."""
    cluster: int = 0
    """The style that it has in common with others."""


def find_headings(pages: Pages) -> list[Heading]:
    """The first-level headings in the order of the lines."""
    candidates = _candidates(pages)
    _cluster(candidates)
    main = _main_chain(candidates)
    style = main[0].cluster if main else _unnumbered_style(candidates)
    letters = _appendices(candidates, main, style)
    numbered = [*main, *letters]
    found = numbered + _unnumbered(pages, candidates, main, letters, style)
    starts = {candidate.first for candidate in numbered}
    headings: list[Heading] = []
    for candidate in sorted(found, key=lambda it: it.first):
        if not headings or candidate.first >= headings[-1].end:
            headings.append(_whole(pages, candidate, starts))
    return _with_abstract(pages, headings)


def _candidates(pages: Pages) -> list[Candidate]:
    lines, found, index = pages.lines, [], 0
    while index < len(lines):
        line = lines[index]
        first, index = index, index + 1
        if len(line.text) > LONGEST or line.share < 0.6 or not distinct(line, pages):
            continue
        text, end = line.text, index
        while end < len(lines) and _continues_row(
            lines[end - 1], lines[end], alone=_NUMBER_ALONE.fullmatch(text)
        ):
            text, end = f"{text} {lines[end].text}", end + 1
        index = end
        if len(text) < 3 or not any(sign.isalpha() for sign in text) or _LEADERS.search(text):
            continue
        if _beside(lines, first - 1, first) or (end < len(lines) and _beside(lines, end - 1, end)):
            continue
        found.append(Candidate(first, end, text, line, _numbers(text)))
    return _without_contents(found)


def _without_contents(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates without those of a page on which many end in a number: a table of contents."""
    ending = Counter(it.line.page for it in candidates if _PAGE_AT_END.search(it.text))
    return [it for it in candidates if ending[it.line.page] < 5 or not _PAGE_AT_END.search(it.text)]


def distinct(line: Line, pages: Pages) -> bool:
    """Whether a line looks different from the text: bigger, bold, in capitals or small capitals, or in another font."""
    size = pages.body_size
    if line.size < 0.85 * size:
        return False
    if line.size > 1.06 * size or line.bold or line.small_capitals:
        return True
    return line.text.isupper() or (line.font != pages.body_font and line.size > 0.95 * size)


def _continues_row(line: Line, following: Line, alone: object) -> bool:
    """Whether a title follows its number, or a piece of a title its beginning, on one baseline."""
    if (
        not on_one_baseline(line, following)
        or following.x0 - line.x1 > (5 if alone else 2) * line.size
    ):
        return False
    return bool(alone) or (line.font == following.font and abs(line.size - following.size) < 0.5)


def _beside(lines: Sequence[Line], left: int, right: int) -> bool:
    """Whether a line goes on in the next one, or has the page number of a table of contents beside it."""
    if left < 0 or not on_one_baseline(lines[left], lines[right]):
        return False
    gap = lines[right].x0 - lines[left].x1
    return gap < 1.5 * lines[left].size or lines[right].text.isdigit()


def _numbers(text: str) -> dict[str, int]:
    numbers = {}
    if found := _ARABIC.match(text):
        numbers["arabic"] = int(found[1])
    elif found := _APPENDIX.match(text):
        numbers["letter"] = ord(found[1].upper()) - 64
    else:
        if (found := _ROMAN.match(text)) and found[1] in _ROMAN_VALUES:
            numbers["roman"] = _ROMAN_VALUES[found[1]]
        if found := _LETTER.match(text):
            numbers["letter"] = ord(found[1]) - 64
    return numbers


def _cluster(candidates: Iterable[Candidate]) -> None:
    """Give candidates of one font and nearly one size one number: stretched fonts differ by some percent."""
    number = 0
    by_font: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_font[candidate.line.font].append(candidate)
    for group in by_font.values():
        last = 0.0
        for candidate in sorted(group, key=lambda it: it.line.size):
            if candidate.line.size > 1.03 * last:
                number += 1
            last = candidate.line.size
            candidate.cluster = number


def _main_chain(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The longest consecutive numbering in one style, the one of the introduction first."""
    best: tuple[float, list[Candidate]] = (0.0, [])
    for kind in ("arabic", "roman"):
        groups: dict[int, list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            if kind in candidate.numbers:
                groups[candidate.cluster].append(candidate)
        for group in groups.values():
            best = max(best, _chain(group, kind), key=lambda it: it[0])
    score, chain = best
    return chain if score >= 3 and not _is_list(chain, candidates) else []


def _is_list(chain: Sequence[Candidate], candidates: Iterable[Candidate]) -> bool:
    """Whether a numbering is a list inside a paper whose headings have no numbers: those are as big or bigger."""
    first = chain[0]
    return not _INTRODUCTION.search(first.text) and any(
        it.text.casefold() == "introduction"
        and it.cluster != first.cluster
        and it.line.size > 0.97 * first.line.size
        for it in candidates
    )


def _chain(group: Sequence[Candidate], kind: str) -> tuple[float, list[Candidate]]:
    """The best consecutive chain that starts at 1, and its score. One number may be missing, printed oddly."""
    ends: list[tuple[float, list[Candidate]]] = []
    for candidate in group:
        value = candidate.numbers[kind]
        best: tuple[float, list[Candidate]] = (0.0, [])
        if value == 1:
            best = (4.0 if _INTRODUCTION.search(candidate.text) else 1.0, [candidate])
        for score, chain in ends:
            step = value - chain[-1].numbers[kind]
            if step in (1, 2):
                # A table of contents has the same numbers on one page.
                gain = (1.0 if step == 1 else 0.2) + 0.1 * (
                    candidate.line.page > chain[-1].line.page
                )
                best = max(best, (score + gain, [*chain, candidate]), key=lambda it: it[0])
        if best[1]:
            ends.append(best)
    return max(ends, key=lambda it: it[0], default=(0.0, []))


def _unnumbered_style(candidates: Iterable[Candidate]) -> int:
    """The style of most lines that have a common section's name, or 0 when there is none."""
    styles = Counter(
        candidate.cluster for candidate in candidates if _COMMON.fullmatch(candidate.text)
    )
    return max(styles, key=lambda style: styles[style]) if styles else 0


def _appendices(
    candidates: Sequence[Candidate], main: Sequence[Candidate], style: int
) -> list[Candidate]:
    """The lettered headings after the numbered ones: A, B, C … in the style of the others where there are such."""
    start = main[-1].first if main else 0
    references = [it.first for it in candidates if _is(it, "references") or _is(it, "bibliography")]
    after = [it for it in candidates if it.first > start and "letter" in it.numbers]
    chains = []
    for cluster in {it.cluster for it in after}:
        score, chain = _chain([it for it in after if it.cluster == cluster], "letter")
        if not chain:
            continue
        explicit = _APPENDIX.match(chain[0].text) is not None
        late = bool(references) and chain[0].first > references[0]
        # Letters one level below a heading 'Appendix' are no first-level headings.
        as_big = not main or chain[0].line.size > 0.97 * main[0].line.size
        if cluster == style and (len(chain) > 1 or late or explicit):
            chains.append((score + 100, chain))
        elif late and (explicit or (len(chain) > 1 and as_big)):
            chains.append((score, chain))
    return max(chains, key=lambda it: it[0], default=(0.0, []))[1]


def _is(candidate: Candidate, name: str) -> bool:
    return candidate.text.casefold() == name


def _unnumbered(
    pages: Pages,
    candidates: Sequence[Candidate],
    main: Sequence[Candidate],
    letters: Sequence[Candidate],
    style: int,
) -> list[Candidate]:
    """The headings without a number: by a name that only a section has, or by the style of the others."""
    taken = {candidate.first for candidate in [*main, *letters]}
    anchors = [it.first for it in candidates if it.cluster == style and _COMMON.fullmatch(it.text)]
    # Before the first section the names of authors may have its style.
    start = min([*taken, *anchors], default=0)
    closing = main[-1].first if main else start
    # A style that second-level headings share tells nothing of a line without a number.
    shared = any(it.cluster == style and _SUBLEVEL.match(it.text) for it in candidates)
    found = []
    for candidate in candidates:
        if candidate.first in taken or _SUBLEVEL.match(candidate.text):
            continue
        text = candidate.text.rstrip(".:")
        named = _is_strong(text) or (_CLOSING.fullmatch(text) and candidate.first > closing)
        known = (
            _COMMON.fullmatch(text)
            or _CLOSING.fullmatch(text)
            or (not shared and _sure(candidate.line, pages))
        )
        if named or (candidate.cluster == style and candidate.first >= start and known):
            found.append(candidate)
    return found


def _is_strong(text: str) -> bool:
    return bool(_STRONG.fullmatch(text) or _SPACED_ABSTRACT.fullmatch(text))


def _is_section_name(text: str) -> bool:
    return _is_strong(text) or _CLOSING.fullmatch(text) is not None


def _sure(line: Line, pages: Pages) -> bool:
    return line.size > 1.06 * pages.body_size or (line.small_capitals and line.share == 1)


def _whole(pages: Pages, candidate: Candidate, starts: set[int]) -> Heading:
    """The heading with the lines on which it goes on: next to it, in its style."""
    lines, end, text = pages.lines, candidate.end, candidate.text
    last = lines[end - 1]
    size = last.size
    plain = not (candidate.line.bold or size > 1.06 * pages.body_size)
    while end < len(lines) and end not in starts:
        line = lines[end]
        step = line.y0 - last.y0
        if (
            line.page != last.page
            or not 0.5 * size < step < 1.75 * size
            or line.font != last.font
            or abs(line.size - size) > 0.04 * size
            or line.share < 0.6
            or (plain and not line.text.isupper())
            or _SUBLEVEL.match(line.text)
            or _COMPLETE.fullmatch(text)
            or (_is_section_name(line.text) and not _APPENDIX.fullmatch(text))
        ):
            break
        text, last, end = join_lines(text, line.text), line, end + 1
    return Heading(_printed(text), candidate.first, end)


def _printed(text: str) -> str:
    text = " ".join(text.split())
    return re.sub(r"\s+", "", text) if _SPACED_ABSTRACT.fullmatch(text) else text


def _with_abstract(pages: Pages, headings: list[Heading]) -> list[Heading]:
    """The headings with an Abstract that looks like text, or is run into it: 'Abstract—We show'."""
    first = headings[0].first if headings else len(pages.lines)
    if any(heading.title.casefold().rstrip(".:") == "abstract" for heading in headings[:2]):
        return headings
    for index, line in enumerate(pages.lines[:first]):
        if line.page > 1:
            break
        if line.size > 1.15 * pages.body_size:
            continue
        if line.text.casefold() == "abstract":
            return [Heading(line.text, index, index + 1), *headings]
        if found := _RUN_IN_ABSTRACT.match(line.text):
            return [Heading(found[1], index, index + 1, found.end()), *headings]
    return headings
