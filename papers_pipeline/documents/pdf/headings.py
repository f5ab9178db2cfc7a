"""Finds the first-level headings of a paper.

Numbering is the strongest sign: one consecutive chain in one style (1, 2, 3 … or I, II, III …),
followed by lettered appendices. A heading without a number must look like the chain, or have a name
that only sections have. The outline of a PDF does not help: it lists headings that are not printed,
and lacks Abstract and References.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from papers_pipeline.base.characters import one_line
from papers_pipeline.documents.pdf.hyphenation import join_lines
from papers_pipeline.documents.pdf.lines import Line, Pages, on_one_baseline

LONGEST = 180
"""Characters of a heading on one line."""

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

# Names that only sections have, whatever their style.
_STRONG = re.compile(
    r"abstract|references(?: and notes)?|bibliography|"
    r"acknowledge?ments?(?: and .{3,40})?|(?:table of )?contents",
    re.IGNORECASE,
)
# Names that only sections have after the last numbered heading. Before it, subsections do too.
_CLOSING = re.compile(
    r"limitations?|limitations and .{3,40}|ethic(?:s|al) (?:statements?|considerations?)|ethics|"
    r"(?:broader |societal )?impacts?(?: statements?)?|reproducibility(?: statement| and .{3,20})?|"
    r"(?:authors?['’]?s?['’]? )?contributions?|contributors|"
    r"(?:data|code|data and code) availability(?: statement)?|"
    r"(?:conflicts?|declarations?) of (?:competing )?interests?|"
    r"competing interests?(?: statements?)?|"
    r"append(?:ix|ices)|supplementa(?:ry|l) materials?|funding|declarations|"
    r"credit author(?:ship contribution)? statement",
    re.IGNORECASE,
)
# Names that never continue on a second line.
_COMPLETE = re.compile(r"abstract|references|(?:table of )?contents|appendices", re.IGNORECASE)
# Names that show the style of headings where nothing is numbered.
_COMMON = re.compile(
    r"introduction|related works?|background|preliminaries|methods?|methodology|approach|"
    r"experiments?|evaluation|results?|discussions?|conclusions?|references|main|"
    r"experimental (?:setup|results)|discussion and conclusions?|materials and methods|"
    r"results and discussion|acknowledge?ments?|abstract",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(r"introduction", re.IGNORECASE)
_RUN_IN_ABSTRACT = re.compile(r"(abstract)(?:\s*[—–:.\-]+\s*|\s+(?=[A-Z]))", re.IGNORECASE)
_SPACED_ABSTRACT = re.compile(r"a\s?b\s?s\s?t\s?r\s?a\s?c\s?t", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that occupies the lines from `first` up to but excluding `end`.

    `run_in` counts the characters of a heading whose text continues on the same line, else 0.
    """

    title: str
    first: int
    end: int
    run_in: int = 0


@dataclass(slots=True)
class Candidate:
    """A line that may be a heading, or a number and a title on one baseline.

    - `first`, `end`: its lines, as in `Heading`.
    - `line`: the first one. A title may be in the font of code or mathematics, but its number is
      in the font of all headings.
    - `numbers`: the possible values of its number, by kind: `arabic`, `roman` or `letter`.
    - `cluster`: the number of its style, shared by candidates that look alike.
    """

    first: int
    end: int
    text: str
    line: Line
    numbers: dict[str, int] = field(default_factory=dict)
    cluster: int = 0


class Chain(NamedTuple):
    """Consecutively numbered candidates. The higher the score, the likelier they are headings."""

    score: float = 0.0
    candidates: Sequence[Candidate] = ()


def find_headings(pages: Pages) -> list[Heading]:
    """The first-level headings in reading order."""
    candidates = _candidates(pages)
    _assign_clusters(candidates)
    main = _main_chain(candidates)
    style = main[0].cluster if main else _unnumbered_style(candidates)
    appendices = _appendices(candidates, main, style)
    numbered = [*main, *appendices]
    unnumbered = _unnumbered(pages, candidates, main, appendices, style)
    numbered_starts = {candidate.first for candidate in numbered}
    headings: list[Heading] = []
    for candidate in sorted([*numbered, *unnumbered], key=lambda candidate: candidate.first):
        if not headings or candidate.first >= headings[-1].end:
            headings.append(_heading(pages, candidate, numbered_starts))
    return _with_abstract(pages, headings)


def _candidates(pages: Pages) -> list[Candidate]:
    lines = pages.lines
    found = []
    end = 0
    while end < len(lines):
        first = end
        line = lines[first]
        end += 1
        if len(line.text) > LONGEST or line.share < 0.6 or not _stands_out(line, pages):
            continue
        text, end = _row(lines, first)
        has_letters = any(character.isalpha() for character in text)
        if len(text) < 3 or not has_letters or _LEADERS.search(text):
            continue
        if _is_beside(lines, first - 1, first) or _is_beside(lines, end - 1, end):
            continue
        found.append(Candidate(first, end, text, line, _numbers(text)))
    return _without_contents(found)


def _row(lines: Sequence[Line], first: int) -> tuple[str, int]:
    """The text of a number and its title on one baseline, and the index after its last line."""
    text = lines[first].text
    end = first + 1
    while end < len(lines):
        is_number = _NUMBER_ALONE.fullmatch(text) is not None
        if not _continues_row(lines[end - 1], lines[end], is_number):
            break
        text = f"{text} {lines[end].text}"
        end += 1
    return text, end


def _without_contents(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates without the entries of a table of contents.

    A page with at least five candidates that end in a number is one.
    """
    entries_by_page: Counter[int] = Counter()
    for candidate in candidates:
        if _PAGE_AT_END.search(candidate.text):
            entries_by_page[candidate.line.page] += 1
    kept = []
    for candidate in candidates:
        is_contents_page = entries_by_page[candidate.line.page] >= 5
        if not is_contents_page or not _PAGE_AT_END.search(candidate.text):
            kept.append(candidate)
    return kept


def _stands_out(line: Line, pages: Pages) -> bool:
    """Whether a line is bigger than the text, bold, in capitals or in another font."""
    size = pages.body_size
    if line.size < 0.85 * size:
        return False
    if line.size > 1.06 * size or line.bold or line.small_capitals:
        return True
    return line.text.isupper() or (line.font != pages.body_font and line.size > 0.95 * size)


def _continues_row(line: Line, following: Line, is_number: bool) -> bool:
    """Whether a title follows its number, or another piece of the title, on one baseline."""
    if not on_one_baseline(line, following):
        return False
    widest_gap = (5 if is_number else 2) * line.size
    if following.x0 - line.x1 > widest_gap:
        return False
    return is_number or (line.font == following.font and abs(line.size - following.size) < 0.5)


def _is_beside(lines: Sequence[Line], left: int, right: int) -> bool:
    """Whether a line continues in the next one, or is followed by a page number as in contents."""
    if left < 0 or right >= len(lines) or not on_one_baseline(lines[left], lines[right]):
        return False
    gap = lines[right].x0 - lines[left].x1
    return gap < 1.5 * lines[left].size or lines[right].text.isdigit()


def _numbers(text: str) -> dict[str, int]:
    """The possible values of a heading's number. 'I' is both a roman number and a letter."""
    arabic = _ARABIC.match(text)
    if arabic:
        return {"arabic": int(arabic[1])}
    appendix = _APPENDIX.match(text)
    if appendix:
        return {"letter": ord(appendix[1].upper()) - 64}
    numbers = {}
    roman = _ROMAN.match(text)
    if roman and roman[1] in _ROMAN_VALUES:
        numbers["roman"] = _ROMAN_VALUES[roman[1]]
    letter = _LETTER.match(text)
    if letter:
        numbers["letter"] = ord(letter[1]) - 64
    return numbers


def _assign_clusters(candidates: Iterable[Candidate]) -> None:
    """Number the styles: one font at nearly one size. Stretched fonts vary by some percent."""
    cluster = 0
    by_font: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_font[candidate.line.font].append(candidate)
    for group in by_font.values():
        previous_size = 0.0
        for candidate in sorted(group, key=lambda candidate: candidate.line.size):
            if candidate.line.size > 1.03 * previous_size:
                cluster += 1
            previous_size = candidate.line.size
            candidate.cluster = cluster


def _main_chain(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """The longest consecutive numbering in one style. One with an introduction is preferred."""
    best = Chain()
    for kind in ("arabic", "roman"):
        by_cluster: dict[int, list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            if kind in candidate.numbers:
                by_cluster[candidate.cluster].append(candidate)
        for group in by_cluster.values():
            chain = _best_chain(group, kind)
            if chain.score > best.score:
                best = chain
    if best.score < 3 or _is_list(best.candidates, candidates):
        return []
    return best.candidates


def _is_list(chain: Sequence[Candidate], candidates: Iterable[Candidate]) -> bool:
    """Whether a chain is a numbered list in a paper with unnumbered headings.

    Then an unnumbered 'Introduction' is printed in another style, and hardly smaller.
    """
    first = chain[0]
    if _INTRODUCTION.search(first.text):
        return False
    for candidate in candidates:
        has_other_style = candidate.cluster != first.cluster
        if (
            _is_named(candidate, "introduction")
            and has_other_style
            and candidate.line.size > 0.97 * first.line.size
        ):
            return True
    return False


def _best_chain(group: Sequence[Candidate], kind: str) -> Chain:
    """The best consecutive chain that starts at 1. Single numbers may be missing, printed oddly."""
    chains: list[Chain] = []
    for candidate in group:
        value = candidate.numbers[kind]
        best = Chain()
        if value == 1:
            score = 4.0 if _INTRODUCTION.search(candidate.text) else 1.0
            best = Chain(score, [candidate])
        for chain in chains:
            last = chain.candidates[-1]
            step = value - last.numbers[kind]
            if step not in (1, 2):
                continue
            gain = 1.0 if step == 1 else 0.2
            # In a table of contents, the same numbers stand on one page.
            if candidate.line.page > last.line.page:
                gain += 0.1
            if chain.score + gain > best.score:
                best = Chain(chain.score + gain, [*chain.candidates, candidate])
        if best.candidates:
            chains.append(best)
    return _highest(chains)


def _highest(chains: Iterable[Chain]) -> Chain:
    return max(chains, key=lambda chain: chain.score, default=Chain())


def _unnumbered_style(candidates: Iterable[Candidate]) -> int:
    """The style of most candidates with a common section name, or 0 if there are none."""
    styles: Counter[int] = Counter()
    for candidate in candidates:
        if _COMMON.fullmatch(candidate.text):
            styles[candidate.cluster] += 1
    return styles.most_common(1)[0][0] if styles else 0


def _appendices(
    candidates: Sequence[Candidate], main: Sequence[Candidate], style: int
) -> Sequence[Candidate]:
    """The lettered headings after the numbered ones: A, B, C …, preferably in the same style."""
    end_of_main = main[-1].first if main else 0
    first_references = None
    lettered = []
    for candidate in candidates:
        is_references = _is_named(candidate, "references") or _is_named(candidate, "bibliography")
        if is_references and first_references is None:
            first_references = candidate.first
        if candidate.first > end_of_main and "letter" in candidate.numbers:
            lettered.append(candidate)
    chains = []
    for cluster in {candidate.cluster for candidate in lettered}:
        group = [candidate for candidate in lettered if candidate.cluster == cluster]
        chain = _best_chain(group, "letter")
        if not chain.candidates:
            continue
        first = chain.candidates[0]
        is_several = len(chain.candidates) > 1
        says_appendix = _APPENDIX.match(first.text) is not None
        is_late = first_references is not None and first.first > first_references
        # Letters one level below a heading 'Appendix' are not first-level headings.
        is_as_big = not main or first.line.size > 0.97 * main[0].line.size
        if cluster == style and (is_several or is_late or says_appendix):
            chains.append(Chain(chain.score + 100, chain.candidates))
        elif is_late and (says_appendix or (is_several and is_as_big)):
            chains.append(chain)
    return _highest(chains).candidates


def _is_named(candidate: Candidate, name: str) -> bool:
    return candidate.text.casefold() == name


def _unnumbered(
    pages: Pages,
    candidates: Sequence[Candidate],
    main: Sequence[Candidate],
    appendices: Sequence[Candidate],
    style: int,
) -> list[Candidate]:
    """The headings without a number, known by a section's name or by the style of the others."""
    numbered_starts = {candidate.first for candidate in [*main, *appendices]}
    starts = set(numbered_starts)
    style_has_sublevels = False
    for candidate in candidates:
        if candidate.cluster != style:
            continue
        if _COMMON.fullmatch(candidate.text):
            starts.add(candidate.first)
        if _SUBLEVEL.match(candidate.text):
            style_has_sublevels = True
    # Before the first section, authors' names may have the style of headings.
    start = min(starts, default=0)
    end_of_main = main[-1].first if main else start
    found = []
    for candidate in candidates:
        if candidate.first in numbered_starts or _SUBLEVEL.match(candidate.text):
            continue
        text = candidate.text.rstrip(".:")
        is_closing = _CLOSING.fullmatch(text) is not None
        if _is_strong(text) or (is_closing and candidate.first > end_of_main):
            found.append(candidate)
            continue
        if candidate.cluster != style or candidate.first < start:
            continue
        # If second-level headings share the style, it proves nothing about a line without a number.
        looks_first_level = not style_has_sublevels and _is_prominent(candidate.line, pages)
        if _COMMON.fullmatch(text) or is_closing or looks_first_level:
            found.append(candidate)
    return found


def _is_strong(text: str) -> bool:
    return bool(_STRONG.fullmatch(text) or _SPACED_ABSTRACT.fullmatch(text))


def _is_section_name(text: str) -> bool:
    return _is_strong(text) or _CLOSING.fullmatch(text) is not None


def _is_prominent(line: Line, pages: Pages) -> bool:
    return line.size > 1.06 * pages.body_size or (line.small_capitals and line.share == 1)


def _heading(pages: Pages, candidate: Candidate, numbered_starts: set[int]) -> Heading:
    """The heading of a candidate, with the lines below it that continue its title."""
    lines = pages.lines
    text = candidate.text
    end = candidate.end
    last = lines[end - 1]
    size = last.size
    is_plain = not candidate.line.bold and size <= 1.06 * pages.body_size
    while end < len(lines) and end not in numbered_starts:
        line = lines[end]
        if not _is_next_line(last, line, size) or _ends_title(text, line):
            break
        if is_plain and not line.text.isupper():
            break
        text = join_lines(text, line.text)
        last = line
        end += 1
    return Heading(_printed(text), candidate.first, end)


def _is_next_line(last: Line, line: Line, size: float) -> bool:
    """Whether a line stands directly below the last one, in its style."""
    return (
        line.page == last.page
        and 0.5 * size < line.y0 - last.y0 < 1.75 * size
        and line.font == last.font
        and abs(line.size - size) <= 0.04 * size
        and line.share >= 0.6
    )


def _ends_title(text: str, following: Line) -> bool:
    """Whether a title cannot continue with the following line."""
    if _SUBLEVEL.match(following.text) or _COMPLETE.fullmatch(text):
        return True
    return _is_section_name(following.text) and not _APPENDIX.fullmatch(text)


def _printed(text: str) -> str:
    text = one_line(text)
    return re.sub(r"\s+", "", text) if _SPACED_ABSTRACT.fullmatch(text) else text


def _with_abstract(pages: Pages, headings: list[Heading]) -> list[Heading]:
    """The headings, with an Abstract that looks like text or is run in: 'Abstract—We show'."""
    for heading in headings[:2]:
        if heading.title.casefold().rstrip(".:") == "abstract":
            return headings
    first = headings[0].first if headings else len(pages.lines)
    for index, line in enumerate(pages.lines[:first]):
        if line.page > 1:
            break
        if line.size > 1.15 * pages.body_size:
            continue
        if line.text.casefold() == "abstract":
            return [Heading(line.text, index, index + 1), *headings]
        run_in = _RUN_IN_ABSTRACT.match(line.text)
        if run_in:
            return [Heading(run_in[1], index, index + 1, run_in.end()), *headings]
    return headings
