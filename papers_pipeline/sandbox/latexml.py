"""The HTML of a sample paper, in the shape that LaTeXML gives it and with the frame that arXiv puts around it."""

import re
from collections.abc import Iterator
from html import escape

from papers_pipeline.sandbox.typeset import SampleFigure, SamplePaper

PANELLED = 2
"""The place of the figure that has two panels."""
WIDTH, HEIGHT = 480, 240
LOGO = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def pictures(paper: SamplePaper) -> dict[str, str]:
    """What each picture of the page shows, by its file name: `x1.png`, `x2.png`, in the order of the page."""
    shown = [
        f"{figure.caption} {panel}".strip()
        for place, figure in _placed(paper)
        for panel in (("(a)", "(b)") if place == PANELLED else ("",))
    ]
    return {f"x{number}.png": caption for number, caption in enumerate(shown, 1)}


def page(paper: SamplePaper) -> str:
    """The page of a paper's first version."""
    files = iter(pictures(paper))
    sections = []
    for number, section in enumerate(paper.sections, 1):
        body = [
            f'<div class="ltx_para"><p class="ltx_p">{_prose(text)}</p></div>'
            for text in _paragraphs(section.text)
        ]
        here = [
            (place, figure) for place, figure in _placed(paper) if figure.section == section.title
        ]
        body[1:1] = [_figure(f"S{number}.F{place}", place, figure, files) for place, figure in here]
        title = f'<span class="ltx_tag ltx_tag_section">{number} </span>{escape(section.title)}'
        heading = f'<h2 class="ltx_title ltx_title_section">{title}</h2>'
        sections.append(
            f'<section id="S{number}" class="ltx_section">\n{heading}\n{"".join(body)}\n</section>'
        )
    abstract = f"""<div class="ltx_abstract">
<h6 class="ltx_title ltx_title_abstract">Abstract</h6>
<p class="ltx_p">{_prose(paper.abstract)}</p>
</div>"""
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
<footer class="ltx_page_footer"><div class="ltx_page_logo"><img src="{LOGO}" alt="[LOGO]"></div></footer>
</div>
</body>
</html>
"""


def _placed(paper: SamplePaper) -> list[tuple[int, SampleFigure]]:
    """The figures with their places, in the order of the sections that hold them."""
    titles = [section.title for section in paper.sections]
    ordered = sorted(
        (titles.index(figure.section), place) for place, figure in enumerate(paper.figures, 1)
    )
    return [(place, paper.figures[place - 1]) for _, place in ordered]


def _figure(name: str, place: int, figure: SampleFigure, files: Iterator[str]) -> str:
    caption = _caption(f"Figure {place}: ", figure.caption)
    if place != PANELLED:
        return f'<figure id="{name}" class="ltx_figure">{_image(next(files))}\n{caption}\n</figure>'
    panels = "".join(
        f"""<div class="ltx_flex_cell ltx_flex_size_2">
<figure id="{name}.sf{number}" class="ltx_figure ltx_figure_panel">{_image(next(files))}
{_caption(f"({letter}) ", f"Panel {letter}.")}
</figure>
</div>"""
        for number, letter in enumerate("ab", 1)
    )
    flex = f'<div class="ltx_flex_figure">\n{panels}\n</div>'
    return f'<figure id="{name}" class="ltx_figure">\n{flex}\n{caption}\n</figure>'


def _image(file: str) -> str:
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    return f'<img src="{file}" class="ltx_graphics ltx_centering ltx_img_landscape" {size} alt="Refer to caption">'


def _caption(tag: str, words: str) -> str:
    number = f'<span class="ltx_tag ltx_tag_figure">{tag}</span>'
    return f'<figcaption class="ltx_caption ltx_centering">{number}{_prose(words)}</figcaption>'


def _paragraphs(text: str) -> list[str]:
    return re.split(r"\n\s*\n", text)


def _prose(text: str) -> str:
    """The text with its mathematics as `<math>`, which keeps the LaTeX as its alternative text."""
    parts = re.split(r"\$([^$]+)\$", text)
    return "".join(
        f'<math class="ltx_Math" alttext="{escape(part)}" display="inline"><mi>{escape(part)}</mi></math>'
        if number % 2
        else escape(part)
        for number, part in enumerate(parts)
    )


def _byline(paper: SamplePaper) -> str:
    names = [f"{escape(author.name)}<sup>{escape(author.marks)}</sup>" for author in paper.authors]
    notes = [f"<sup>{escape(note.mark)}</sup>{escape(note.name)}" for note in paper.institutions]
    person = f'<span class="ltx_personname">{", ".join(names)}<br class="ltx_break">{"<br>".join(notes)}</span>'
    return f'<span class="ltx_creator ltx_role_author">{person}</span>'
