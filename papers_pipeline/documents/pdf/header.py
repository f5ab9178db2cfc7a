"""Reads the part of a paper that names its authors and their institutions.

A language model reads it to find them. Everything sent costs money, so only the byline is sent
whole. Footnotes and end matter contribute only sentences that can name an institution.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise

from papers_pipeline.documents.pdf.headings import Heading
from papers_pipeline.documents.pdf.hyphenation import join_lines
from papers_pipeline.documents.pdf.institutions import (
    INSTITUTION,
    institution_sentences,
    is_prose,
    without_contacts,
)
from papers_pipeline.documents.pdf.lines import Line, Pages, rows

MODEL_REACH = 3000
"""Characters at the start of the header that are in the first question to a language model."""
LONGEST_END_MATTER = 2500
FRONT_LINES = 30
SMALLEST = 0.55
"""Size of the smallest byline as a share of the body size. The labels of a picture are smaller."""

_CAPTION = re.compile(r"(?:figure|fig\.|table|algorithm)\s*\d", re.IGNORECASE)
_NOT_A_FOOTNOTE = re.compile(rf"{_CAPTION.pattern}|\[\d+\]", re.IGNORECASE)
_REFERENCE = re.compile(r"\[?\d+[\].]")
_AUTHORS_SECTION = re.compile(r"contribut|authors?\b|affiliations?|team", re.IGNORECASE)
_MAIL = re.compile(r"e-?mail(?: address)?e?s?\s*:", re.IGNORECASE)
_MARK = re.compile(r"[∗*†‡§¶♦♠♣♥]|\d{1,2}\s?[^\W\d]")
_MARKED = re.compile(r"(?:[∗*†‡§¶♦♠♣♥]|\d{1,2})\s?[A-ZÀ-Þ]")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def read_header(pages: Pages, headings: Sequence[Heading]) -> str:
    """The byline, then footnotes of the first page and end matter that name institutions.

    Each line is a printed line or cell. Authors' markers stay in place: 'Ada Example1,2' and
    '1 ETH Zürich'. End matter is read only if the first page names no institution.
    """
    byline = _byline(pages, headings)
    texts = _cleaned(_texts(byline)) or _possible_byline(pages)
    byline_has_institutions = _has_institution(texts)
    footnotes = _footnotes(pages, byline, headings)
    texts += institution_sentences(footnotes, byline_has_institutions)
    if not _has_institution(texts) and not byline_has_institutions:
        texts += _end_matter(pages, headings)
    return "\n".join(_within_reach(texts))


def _cleaned(texts: Iterable[str]) -> list[str]:
    """The texts without contacts, except those with nothing left."""
    cleaned = map(without_contacts, texts)
    return [text for text in cleaned if text]


def _possible_byline(pages: Pages) -> list[str]:
    """Texts of the first page that may be the byline when there is none at its top."""
    lines = [line for line in _first_page(pages) if not is_prose(line.text)]
    return _cleaned(_texts(lines))[:FRONT_LINES]


def _first_page(pages: Pages) -> list[Line]:
    return [line for line in pages.lines if line.page == 0]


def _has_institution(texts: Iterable[str]) -> bool:
    return any(INSTITUTION.search(text) for text in texts)


def _byline(pages: Pages, headings: Sequence[Heading]) -> list[Line]:
    """The lines between title and abstract, by their place on the page.

    Their order proves nothing, because some PDFs store the names after the text.
    """
    front = _first_page(pages)
    foot, end = _end_of_byline(pages, front, headings)
    above = []
    for index, line in enumerate(front):
        is_above = line.y0 < foot - 5 and line.size > SMALLEST * pages.body_size
        if is_above and (index < end or not is_prose(line.text)):
            above.append(line)
    title = _title(above, pages)
    below_title = [line for line in above if line not in title]
    byline: list[Line] = []
    for block in _blocks(below_title):
        if not _is_caption_or_motto(block):
            byline += block
    return byline


def _blocks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Runs of lines of one block."""
    for _, block in groupby(lines, key=lambda line: line.block):
        yield list(block)


def _is_caption_or_motto(block: Sequence[Line]) -> bool:
    if _CAPTION.match(block[0].text):
        return True
    text = " ".join(line.text for line in block)
    return len(block) > 1 and is_prose(text, len(block)) and not INSTITUTION.search(text)


def _end_of_byline(
    pages: Pages, front: Sequence[Line], headings: Sequence[Heading]
) -> tuple[float, int]:
    """The height at which the byline ends, and the index of the line that ends it.

    That is the abstract, or else the first heading or paragraph, whichever is higher.
    """
    first = headings[0].first if headings else len(pages.lines)
    if first >= len(front):
        return _first_prose(front, pages)
    heading_place = (pages.lines[first].y0, first)
    if _is_abstract(headings[0]):
        return heading_place
    return min(heading_place, _first_prose(front[:first], pages))


def _is_abstract(heading: Heading) -> bool:
    return heading.title.casefold().startswith("abstract")


def _first_prose(front: Sequence[Line], pages: Pages) -> tuple[float, int]:
    """Height and index of the first paragraph of at least three lines, or the end of the page."""
    index = 0
    for block in _blocks(front):
        text = " ".join(line.text for line in block)
        if len(block) >= 3 and is_prose(text, len(block)):
            return block[0].y0, index
        index += len(block)
    return pages.height, len(front)


def _title(lines: Sequence[Line], pages: Pages) -> Sequence[Line]:
    """The first run of lines in the largest size, if that is larger than the text."""
    size = max((line.size for line in lines), default=0.0)
    if not lines or size < 1.15 * pages.body_size:
        return []
    first = 0
    while lines[first].size <= 0.97 * size:
        first += 1
    end = first
    while end < len(lines) and _is_same_title(lines[first], lines[end], size):
        end += 1
    return lines[first:end]


def _is_same_title(first: Line, line: Line, size: float) -> bool:
    return line.size > 0.97 * size and line.font == first.font


def _texts(lines: Sequence[Line]) -> list[str]:
    """One text per printed line or cell. A line with stretched spaces is one text."""
    texts: list[str] = []
    previous_block = -1
    for row in rows(lines):
        cells = _cells(row)
        single_words = sum(" " not in cell for cell in cells)
        is_stretched = len(cells) >= 4 and single_words > 0.7 * len(cells)
        if is_stretched:
            cells = [" ".join(cells)]
        for text in cells:
            is_same_block = bool(texts) and row[0].block == previous_block
            if is_same_block and texts[-1].endswith("-") and text[:1].isalpha():
                texts[-1] = join_lines(texts[-1], text)
            else:
                texts.append(text)
        previous_block = row[0].block
    return texts


def _cells(row: Sequence[Line]) -> list[str]:
    """The texts of a row. A marker that touches its name is part of the same text."""
    cells = [row[0].text]
    for before, line in pairwise(row):
        if line.x0 - before.x1 < 0.25 * before.size:
            cells[-1] += line.text
        else:
            cells.append(line.text)
    return cells


def _footnotes(pages: Pages, byline: Sequence[Line], headings: Sequence[Heading]) -> Iterator[str]:
    """The text of each block in small print in the lower part of the first page."""
    taken = {*byline, *_abstract(pages, headings)}
    front = [line for line in _first_page(pages) if line not in taken]
    small_size = 0.96 * pages.body_size
    for block in _blocks_by_size(front, small_size):
        first = block[0]
        is_low = first.size < small_size and first.y0 > 0.4 * pages.height
        if not is_low or _NOT_A_FOOTNOTE.match(first.text):
            continue
        if not _has_text_below(block, front, small_size):
            yield _joined(block)


def _blocks_by_size(lines: Iterable[Line], small_size: float) -> Iterator[list[Line]]:
    """Runs of lines of one block that are all small, or all not."""
    for _, block in groupby(lines, key=lambda line: (line.block, line.size < small_size)):
        yield list(block)


def _has_text_below(note: Sequence[Line], front: Sequence[Line], small_size: float) -> bool:
    """Whether body text continues below, as it does below a picture's labels, not a footnote."""
    left = min(line.x0 for line in note)
    right = max(line.x1 for line in note)
    foot = note[-1].y1
    for line in front:
        is_below = line.y0 > foot and line.x0 < right and line.x1 > left
        if is_below and line.size >= small_size and is_prose(line.text):
            return True
    return False


def _abstract(pages: Pages, headings: Sequence[Heading]) -> Iterator[Line]:
    """The lines of the abstract. Some styles print it as small as footnotes."""
    if not headings or not _is_abstract(headings[0]):
        return
    last = pages.lines[headings[0].first]
    for line in pages.lines[headings[0].end :]:
        if line.page != last.page or not 0 < line.y0 - last.y0 < 3 * last.size:
            return
        if line.block != last.block and _MARK.match(line.text):
            return
        yield line
        last = line


def _joined(lines: Sequence[Line]) -> str:
    text = ""
    for piece in _texts(lines):
        text = join_lines(text, piece) if text else piece
    return text


def _end_matter(pages: Pages, headings: Sequence[Heading]) -> list[str]:
    """Institutions from the end of the paper.

    These are addresses after the references (as in amsart), institutions in a list of contributors,
    or else a list of marked institutions.
    """
    ends = [heading.first for heading in headings[1:]] + [len(pages.lines)]
    found: list[Line] = []
    for heading, end in zip(headings, ends, strict=False):
        lines = pages.lines[heading.end : end]
        if re.fullmatch(r"references|bibliography", heading.title, re.IGNORECASE):
            found += _addresses(lines)
        elif _AUTHORS_SECTION.search(heading.title):
            found += _institution_lines(lines)
    texts = []
    remaining = LONGEST_END_MATTER
    for text in _cleaned(_texts(found or _marked_institutions(pages))):
        remaining -= len(text)
        if remaining > 0:
            texts.append(text)
    return texts


def _institution_lines(lines: Iterable[Line]) -> list[Line]:
    found = []
    for line in lines:
        if INSTITUTION.search(line.text) and not is_prose(line.text):
            found.append(line)
    return found


def _addresses(lines: Sequence[Line]) -> list[Line]:
    """The lines around e-mail addresses after the last reference."""
    mails = [index for index, line in enumerate(lines) if _MAIL.search(line.text)]
    if not mails or mails[0] < len(lines) - 60:
        return []
    first_mail = mails[0]
    font = lines[first_mail - 1].font
    first = first_mail
    while first > 0 and first_mail - first < 8:
        line = lines[first - 1]
        if line.page != lines[first].page or line.font != font or _REFERENCE.match(line.text):
            break
        first -= 1
    return list(lines[first:])


def _marked_institutions(pages: Pages) -> list[Line]:
    """Lines such as '1 Example University' in the second half of a paper."""
    found = []
    for line in _institution_lines(pages.lines):
        is_late = line.page > pages.count // 2
        if is_late and _MARKED.match(line.text) and not _YEAR.search(line.text):
            found.append(line)
    return found


def _within_reach(texts: Sequence[str]) -> list[str]:
    """The texts, with institutions first if one would lie beyond MODEL_REACH."""
    length = 0
    for text in texts:
        length += len(text) + 1
        if length > MODEL_REACH and INSTITUTION.search(text):
            return sorted(texts, key=lambda text: not INSTITUTION.search(text))
    return list(texts)
