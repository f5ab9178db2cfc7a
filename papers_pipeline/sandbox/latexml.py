"""The HTML of a sample paper, as LaTeXML writes it and with the page frame that arXiv adds."""

import re
from collections.abc import Iterator
from html import escape

from papers_pipeline.sandbox.typeset import SampleFigure, SamplePaper, Section

PANELLED = 2
"""The number of the figure that has two panels."""
PANEL_LETTERS = "ab"
WIDTH, HEIGHT = 480, 240
LOGO = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def pictures(paper: SamplePaper) -> dict[str, str]:
    """The caption of each picture by its file name: `x1.png`, `x2.png`, in the page's order."""
    captions = []
    for number, figure in _in_page_order(paper):
        if number == PANELLED:
            captions += [f"{figure.caption} ({letter})" for letter in PANEL_LETTERS]
        else:
            captions.append(figure.caption.strip())
    return {f"x{number}.png": caption for number, caption in enumerate(captions, 1)}


def page(paper: SamplePaper) -> str:
    """The page of a paper's first version."""
    files = iter(pictures(paper))
    sections = []
    for number, section in enumerate(paper.sections, 1):
        sections.append(_section(paper, number, section, files))
    abstract = f"""<div class="ltx_abstract">
<h6 class="ltx_title ltx_title_abstract">Abstract</h6>
<p class="ltx_p">{_prose(paper.abstract)}</p>
</div>"""
    logo = f'<div class="ltx_page_logo"><img src="{LOGO}" alt="[LOGO]"></div>'
    return f"""<!DOCTYPE html><html lang="en">
<head>
<meta http-equiv="content-type" content="text/html; charset=UTF-8">
<title>{escape(paper.title)}</title>
<base href="/html/{paper.arxiv_id}v1/">
</head>
<body>
<nav class="ltx_page_navbar"><a class="ltx_ref" href="#S1">Contents</a></nav>
<div class="ltx_page_main"><div class="ltx_page_content">
<div id="target-section" class="section"><div id="watermark-tr">{escape(paper.stamp)}</div></div>
<article class="ltx_document">
<h1 class="ltx_title ltx_title_document">{escape(paper.title)}</h1>
<div class="ltx_authors">{_byline(paper)}</div>
{abstract if paper.abstract else ""}
{"".join(sections)}
</article>
</div>
<footer class="ltx_page_footer">{logo}</footer>
</div>
</body>
</html>
"""


def _in_page_order(paper: SamplePaper) -> list[tuple[int, SampleFigure]]:
    """The numbered figures in the order of the sections that contain them."""
    titles = [section.title for section in paper.sections]
    numbered = enumerate(paper.figures, 1)
    return sorted(numbered, key=lambda pair: (titles.index(pair[1].section), pair[0]))


def _section(paper: SamplePaper, number: int, section: Section, files: Iterator[str]) -> str:
    """A section, with its figures after its first paragraph."""
    figures = []
    for figure_number, figure in _in_page_order(paper):
        if figure.section == section.title:
            figures.append(_figure(f"S{number}.F{figure_number}", figure_number, figure, files))
    first, *others = [
        f'<div class="ltx_para"><p class="ltx_p">{_prose(paragraph)}</p></div>'
        for paragraph in section.paragraphs
    ]
    body = "".join([first, *figures, *others])
    tag = f'<span class="ltx_tag ltx_tag_section">{number} </span>'
    heading = f'<h2 class="ltx_title ltx_title_section">{tag}{escape(section.title)}</h2>'
    return f'<section id="S{number}" class="ltx_section">\n{heading}\n{body}\n</section>'


def _figure(element_id: str, number: int, figure: SampleFigure, files: Iterator[str]) -> str:
    """A figure. It takes the names of its pictures from `files`."""
    caption = _caption(f"Figure {number}: ", figure.caption)
    opening = f'<figure id="{element_id}" class="ltx_figure">'
    if number != PANELLED:
        return f"{opening}{_image(next(files))}\n{caption}\n</figure>"
    panels = ""
    for panel_number, letter in enumerate(PANEL_LETTERS, 1):
        panel_id = f"{element_id}.sf{panel_number}"
        panels += f"""<div class="ltx_flex_cell ltx_flex_size_2">
<figure id="{panel_id}" class="ltx_figure ltx_figure_panel">{_image(next(files))}
{_caption(f"({letter}) ", f"Panel {letter}.")}
</figure>
</div>"""
    return f'{opening}\n<div class="ltx_flex_figure">\n{panels}\n</div>\n{caption}\n</figure>'


def _image(file: str) -> str:
    classes = "ltx_graphics ltx_centering ltx_img_landscape"
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    return f'<img src="{file}" class="{classes}" {size} alt="Refer to caption">'


def _caption(tag: str, words: str) -> str:
    number = f'<span class="ltx_tag ltx_tag_figure">{tag}</span>'
    return f'<figcaption class="ltx_caption ltx_centering">{number}{_prose(words)}</figcaption>'


def _prose(text: str) -> str:
    """The text as HTML; `$…$` becomes `<math>` with the LaTeX source as alternative text."""
    parts = []
    for number, part in enumerate(re.split(r"\$([^$]+)\$", text)):
        escaped = escape(part)
        is_formula = number % 2 == 1
        if is_formula:
            attributes = f'class="ltx_Math" alttext="{escaped}" display="inline"'
            parts.append(f"<math {attributes}><mi>{escaped}</mi></math>")
        else:
            parts.append(escaped)
    return "".join(parts)


def _byline(paper: SamplePaper) -> str:
    names = [f"{escape(author.name)}<sup>{escape(author.marks)}</sup>" for author in paper.authors]
    notes = [f"<sup>{escape(note.mark)}</sup>{escape(note.name)}" for note in paper.institutions]
    lines = f'{", ".join(names)}<br class="ltx_break">{"<br>".join(notes)}'
    person = f'<span class="ltx_personname">{lines}</span>'
    return f'<span class="ltx_creator ltx_role_author">{person}</span>'
