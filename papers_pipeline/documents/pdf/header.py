"""The part of a paper that names its authors and their institutions: what a language model is shown to find them.

Everything that is sent is paid for, so only the byline is sent whole; of footnotes and end matter only the sentences
that can name an institution.
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

ENOUGH = 3000
"""Characters of which the first question to a language model consists at most."""
LONGEST_END_MATTER = 2500
FRONT_LINES = 30
SMALLEST = 0.55
"""A byline is printed in no smaller letters, as a share of the text's; the labels of a picture are."""

_CAPTION = re.compile(r"(?:figure|fig\.|table|algorithm)\s*\d", re.IGNORECASE)
_NO_NOTE = re.compile(rf"{_CAPTION.pattern}|\[\d+\]", re.IGNORECASE)
_REFERENCE = re.compile(r"\[?\d+[\].]")
_AUTHORS_SECTION = re.compile(r"contribut|authors?\b|affiliations?|team", re.IGNORECASE)
_MAIL = re.compile(r"e-?mail(?: address)?e?s?\s*:", re.IGNORECASE)
_MARK = re.compile(r"[∗*†‡§¶♦♠♣♥]|\d{1,2}\s?[^\W\d]")
_MARKED = re.compile(r"(?:[∗*†‡§¶♦♠♣♥]|\d{1,2})\s?[A-ZÀ-Þ]")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def read_header(pages: Pages, headings: Sequence[Heading]) -> str:
    """The byline, one printed line or cell a line, then the footnotes of the first page that name institutions, then
    end matter that does. Authors' markers stay where they are printed: 'Ada Example1,2' and '1 ETH Zürich'."""
    byline = _byline(pages, headings)
    texts = [text for text in map(without_contacts, _texts(byline)) if text] or _front(pages)
    named = _any_names(texts)
    texts += institution_sentences(_footnotes(pages, byline, headings), named)
    if not named and not _any_names(texts):
        texts += _end_matter(pages, headings)
    return "\n".join(_in_reach(texts))


def _front(pages: Pages) -> list[str]:
    """What may be a byline on a first page that has none at its top."""
    lines = [line for line in pages.lines if line.page == 0 and not is_prose(line.text)]
    texts = [text for text in map(without_contacts, _texts(lines)) if text]
    return texts[:FRONT_LINES]


def _any_names(texts: Iterable[str]) -> bool:
    return any(INSTITUTION.search(text) for text in texts)


def _byline(pages: Pages, headings: Sequence[Heading]) -> list[Line]:
    """The lines between title and abstract, by their place on the page: some PDFs store names after the text."""
    front = [line for line in pages.lines if line.page == 0]
    foot, limit = _end_of_byline(pages, front, headings)
    above = [
        line
        for index, line in enumerate(front)
        if line.y0 < foot - 5
        and (index < limit or not is_prose(line.text))
        and line.size > SMALLEST * pages.body_size
    ]
    title = _title(above, pages)
    return [
        line
        for _, block in groupby(
            (line for line in above if line not in title), key=lambda line: line.block
        )
        for line in _without_text(list(block))
    ]


def _without_text(block: list[Line]) -> list[Line]:
    """The lines of a block of the byline; none of a picture's caption or a motto."""
    if _CAPTION.match(block[0].text):
        return []
    text = " ".join(line.text for line in block)
    return (
        []
        if len(block) > 1 and is_prose(text, len(block)) and not INSTITUTION.search(text)
        else block
    )


def _end_of_byline(
    pages: Pages, front: Sequence[Line], headings: Sequence[Heading]
) -> tuple[float, int]:
    """The height at which the byline ends, and the number of the line that ends it."""
    first = headings[0].first if headings else len(pages.lines)
    if first >= len(front):
        return _first_prose(front, pages)
    place = pages.lines[first].y0, first
    return place if _is_abstract(headings[0]) else min(place, _first_prose(front[:first], pages))


def _is_abstract(heading: Heading) -> bool:
    return heading.title.casefold().startswith("abstract")


def _first_prose(front: Sequence[Line], pages: Pages) -> tuple[float, int]:
    index = 0
    for _, block in groupby(front, key=lambda line: line.block):
        lines = list(block)
        if len(lines) >= 3 and is_prose(" ".join(line.text for line in lines), len(lines)):
            return lines[0].y0, index
        index += len(lines)
    return pages.height, len(front)


def _title(lines: Sequence[Line], pages: Pages) -> list[Line]:
    """The lines of the biggest print above the abstract, when it is bigger than text."""
    size = max((line.size for line in lines), default=0.0)
    if not lines or size < 1.15 * pages.body_size:
        return []
    first = next(index for index, line in enumerate(lines) if line.size > 0.97 * size)
    end = first
    while (
        end < len(lines) and lines[end].size > 0.97 * size and lines[end].font == lines[first].font
    ):
        end += 1
    return list(lines[first:end])


def _texts(lines: Sequence[Line]) -> list[str]:
    """One text a printed line or cell; a line of which every word stands apart is one text."""
    texts: list[str] = []
    block = -1
    for row in rows(lines):
        cells = _cells(row)
        single = sum(" " not in cell for cell in cells)
        stretched = len(cells) >= 4 and single > 0.7 * len(cells)
        for text in [" ".join(cells)] if stretched else cells:
            if texts and block == row[0].block and texts[-1].endswith("-") and text[:1].isalpha():
                texts[-1] = join_lines(texts[-1], text)
            else:
                texts.append(text)
        block = row[0].block
    return texts


def _cells(row: Sequence[Line]) -> list[str]:
    """The texts of a row; a marker that touches its name is part of it."""
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
    front = [line for line in pages.lines if line.page == 0 and line not in taken]
    for (_, small), block in groupby(
        front, key=lambda line: (line.block, line.size < 0.96 * pages.body_size)
    ):
        lines = list(block)
        low = small and lines[0].y0 > 0.4 * pages.height
        if low and not _NO_NOTE.match(lines[0].text) and not _has_text_below(lines, front, pages):
            yield _text(lines)


def _has_text_below(note: Sequence[Line], front: Sequence[Line], pages: Pages) -> bool:
    """Whether text goes on below, as it does below a picture's labels and not below a footnote."""
    left, right, foot = min(line.x0 for line in note), max(line.x1 for line in note), note[-1].y1
    return any(
        line.y0 > foot
        and line.x0 < right
        and line.x1 > left
        and line.size >= 0.96 * pages.body_size
        for line in front
        if is_prose(line.text)
    )


def _abstract(pages: Pages, headings: Sequence[Heading]) -> Iterator[Line]:
    """The lines of the abstract, which some styles print as small as footnotes."""
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


def _text(lines: Sequence[Line]) -> str:
    text = ""
    for piece in _texts(lines):
        text = join_lines(text, piece) if text else piece
    return text


def _end_matter(pages: Pages, headings: Sequence[Heading]) -> list[str]:
    """The addresses behind the references (amsart), or the institutions that a list of contributors names."""
    found: list[Line] = []
    for number, heading in enumerate(headings):
        end = headings[number + 1].first if number + 1 < len(headings) else len(pages.lines)
        lines = pages.lines[heading.end : end]
        if re.fullmatch(r"references|bibliography", heading.title, re.IGNORECASE):
            found += _addresses(lines)
        elif _AUTHORS_SECTION.search(heading.title):
            found += [
                line for line in lines if INSTITUTION.search(line.text) and not is_prose(line.text)
            ]
    texts, left = [], LONGEST_END_MATTER
    for text in filter(None, map(without_contacts, _texts(found or _marked_institutions(pages)))):
        left -= len(text)
        if left > 0:
            texts.append(text)
    return texts


def _addresses(lines: Sequence[Line]) -> list[Line]:
    """The lines before and after an e-mail address, behind the last reference."""
    mails = [index for index, line in enumerate(lines) if _MAIL.search(line.text)]
    if not mails or mails[0] < len(lines) - 60:
        return []
    first = mails[0]
    while first > 0 and mails[0] - first < 8:
        line = lines[first - 1]
        if (
            line.page != lines[first].page
            or line.font != lines[mails[0] - 1].font
            or _REFERENCE.match(line.text)
        ):
            break
        first -= 1
    return list(lines[first:])


def _marked_institutions(pages: Pages) -> list[Line]:
    """The lines of a list of marked institutions ('1 Example University') in the second half of a long paper."""
    return [
        line
        for line in pages.lines
        if line.page > pages.count // 2
        and _MARKED.match(line.text)
        and INSTITUTION.search(line.text)
        and not _YEAR.search(line.text)
        and not is_prose(line.text)
    ]


def _in_reach(texts: Sequence[str]) -> list[str]:
    """The texts, institutions first when a long list of names would push them out of the first question."""
    length = 0
    for text in texts:
        length += len(text) + 1
        if length > ENOUGH and INSTITUTION.search(text):
            return sorted(texts, key=lambda text: not INSTITUTION.search(text))
    return list(texts)
