"""Figures of LaTeXML pages: which floats count, their links and their captions."""

import pytest

from papers_pipeline.documents.figures import MOST_CAPTION, read_figures
from papers_pipeline.records import Figure

URL = "https://export.arxiv.org/html/2603.10001v2"
FOLDER = f"{URL}/"


def page(body: str, base: str = "") -> bytes:
    return f"""<!DOCTYPE html><html>
<head><meta http-equiv="content-type" content="text/html; charset=UTF-8">{base}</head>
<body><article class="ltx_document"><h1 class="ltx_title ltx_title_document">A Paper</h1>
{body}
</article></body></html>""".encode()


def image(source: str = "x1.png", more: str = "") -> str:
    return (
        f'<img src="{source}" class="ltx_graphics ltx_img_landscape" alt="Refer to caption" {more}>'
    )


def caption(words: str, tag: str = "Figure 1: ", kind: str = "figure") -> str:
    number = f'<span class="ltx_tag ltx_tag_{kind}">{tag}</span>' if tag else ""
    return f'<figcaption class="ltx_caption ltx_centering">{number}{words}</figcaption>'


def figure(content: str, kind: str = "ltx_figure") -> str:
    return f'<figure class="{kind}">{content}</figure>'


def read(body: str, url: str = URL, base: str = "") -> list[Figure]:
    return read_figures(page(body, base), url)


def one_caption(words: str, tag: str = "Figure 1: ") -> str | None:
    (found,) = read(figure(image() + caption(words, tag)))
    return found.caption


def test_figures_in_page_order_with_caption_and_section():
    found = read(f"""
{figure(image("x1.png") + caption("A teaser."))}
<section class="ltx_section"><h2 class="ltx_title ltx_title_section"><span class="ltx_tag">1 </span>
Very
First</h2>
{figure(caption("Above the image.", "Figure 2: ") + image("x2.png"))}
<section class="ltx_subsection"><h3 class="ltx_title ltx_title_subsection">1.1 Deeper</h3>
{figure(image("x3.png"))}
</section></section>
<section class="ltx_appendix"><h2 class="ltx_title ltx_title_appendix">
<span class="ltx_tag">Appendix A </span>Proofs
 of <math alttext="\\alpha"><mi>α</mi></math></h2>
{figure(image("x4.png") + caption("Last.", "Figure A.1: "))}
</section>""")
    assert found == [
        Figure(url=f"{FOLDER}x1.png", caption="A teaser.", section=None),
        Figure(url=f"{FOLDER}x2.png", caption="Above the image.", section="Very First"),
        Figure(url=f"{FOLDER}x3.png", caption=None, section="Very First"),
        Figure(url=f"{FOLDER}x4.png", caption="Last.", section="Proofs of α"),
    ]


def test_a_base_that_is_no_address_is_ignored():
    (found,) = read(figure(image()), base='<base href="//[::">')
    assert found.url == f"{FOLDER}x1.png"


@pytest.mark.parametrize(
    ("url", "base", "source", "link"),
    [
        ("html/2603.10001v2", "", "x1.png", "html/2603.10001v2/x1.png"),
        ("html/2603.10001v2/", "", "x1.png", "html/2603.10001v2/x1.png"),
        ("html/2603.10001", "/html/2603.10001v2/", "x1.png", "html/2603.10001v2/x1.png"),
        ("html/2603.10001", "/html/2603.10001v2", "x1.png", "html/2603.10001v2/x1.png"),
        (
            "html/2603.10001",
            "/html/2603.10001v2/",
            "extracted/5/a b.png",
            "html/2603.10001v2/extracted/5/a%20b.png",
        ),
        ("html/2603.10001", "", "2603.10001v2/x1.png", "html/2603.10001v2/x1.png"),
        ("html/2603.10001v2/", "", "2603.10001v2/x1.png", "html/2603.10001v2/x1.png"),
        (
            "html/2603.10001",
            "/html/2603.10001v2/",
            "2603.10001v2/x1.png",
            "html/2603.10001v2/x1.png",
        ),
        ("html/2603.10001", "", "/html/2603.10001/assets/x1.png", "html/2603.10001/assets/x1.png"),
        ("html/2603.10001v2", "", "./vis/x1.svg", "html/2603.10001v2/vis/x1.svg"),
        ("html/cs/0112017v1", "", "x1.png", "html/cs/0112017v1/x1.png"),
    ],
)
def test_links_resolve_for_every_form_of_address(url: str, base: str, source: str, link: str):
    (found,) = read(
        figure(image(source)), f"https://arxiv.org/{url}", f'<base href="{base}">' if base else ""
    )
    assert found.url == f"https://arxiv.org/{link}"


@pytest.mark.parametrize(
    "source",
    [
        "",
        " ",
        "data:image/png;base64,AAAA",
        "http://example.com/x.png",
        "javascript:alert(1)",
        "ftp://example.com/x.png",
    ],
)
def test_insecure_and_missing_links_are_no_figures(source: str):
    assert read(figure(image(source) + caption("A picture."))) == []


def test_plain_http_is_accepted_only_from_the_page_s_own_host():
    own = "http://127.0.0.1:8000/html/2603.10001"
    assert [found.url for found in read(figure(image()), own)] == [f"{own}/x1.png"]
    assert read(figure(image("http://127.0.0.1:9000/x1.png")), own) == []


def test_panels_are_one_figure_with_the_outer_caption():
    panels = ""
    for n in (1, 2):
        panel = figure(image(f"x{n}.png") + caption(f"Panel {n}.", f"({n}) "))
        panels += f'<div class="ltx_flex_cell">{panel}</div>'
    assert read(figure(f'<div class="ltx_flex_figure">{panels}</div>{caption("Both.")}')) == [
        Figure(url=f"{FOLDER}x1.png", caption="Both.")
    ]
    numbered = "".join(
        figure(image(f"x{n}.png") + caption(f"P {n}.", f"Figure 3({n}): ")) for n in "ab"
    )
    assert [found.caption for found in read(figure(numbered + caption("Both.", "Figure 3: ")))] == [
        "Both."
    ]
    assert read(figure(panels)) == [Figure(url=f"{FOLDER}x1.png", caption="Panel 1.")]


def test_numbered_figures_in_one_float_are_separate_figures():
    minipages = figure(image("x1.png") + caption("Left.", "Figure 4: ")) + figure(
        image("x2.png") + image("x3.png") + caption("Right.", "Figure 5: ")
    )
    table = figure(
        image("x9.png") + caption("Numbers.", "Table 1: ", "table"), "ltx_table ltx_figure_panel"
    )
    assert [(found.url, found.caption) for found in read(figure(minipages + table))] == [
        (f"{FOLDER}x1.png", "Left."),
        (f"{FOLDER}x2.png", "Right."),
    ]


def test_a_repeated_image_is_listed_once():
    body = figure(image("x1.png") + caption("One.")) + figure(
        image("x1.png") + caption("Again.", "Figure 2: ")
    )
    assert [found.caption for found in read(body)] == ["One."]


def test_figures_with_a_shared_panel_link_to_another_panel():
    first = figure(image("legend.png") + image("x1.png") + caption("One."))
    second = figure(image("legend.png") + image("x2.png") + caption("Two.", "Figure 2: "))
    assert [found.url for found in read(first + second + first)] == [
        f"{FOLDER}legend.png",
        f"{FOLDER}x2.png",
    ]


@pytest.mark.parametrize(
    "body",
    [
        figure(image() + caption("Scores.", "Table 1: ", "table"), "ltx_table"),
        figure(image() + caption("Scores in a figure.", "Table 1: ", "table")),
        figure(
            image() + caption("Steps.", "Algorithm 1: ", "float"), "ltx_float ltx_float_algorithm"
        ),
        figure(image(), "ltx_float ltx_lstlisting"),
        f'<p class="ltx_p">An inline {image("icon.png")} icon.</p>',
        figure(image("icon.png", 'width="20" height="18"')),
        figure(caption(f"{image('flag.png')} A flag in a caption.")),
        figure('<img src="m1.png" class="ltx_Math" alt="x">'),
        figure(
            '<img src="lost.pdf" class="ltx_graphics ltx_missing ltx_missing_image"'
            ' alt="Refer to caption">'
        ),
        figure(
            '<svg class="ltx_picture"><path d="M 0 0"></path></svg>' + caption("Drawn in the page.")
        ),
        '<footer><img src="https://arxiv.org/logo.png" alt="[LOGO]"></footer>',
        "",
    ],
)
def test_other_floats_and_images_are_no_figures(body: str):
    assert read(body) == []


def test_a_figure_inside_a_table_environment_is_a_figure():
    body = figure(image() + caption("Set as a table.", "Figure 7: "), "ltx_table")
    assert read(body) == [Figure(url=f"{FOLDER}x1.png", caption="Set as a table.")]


def test_an_svg_object_with_a_link_is_a_figure():
    body = figure(
        '<object type="image/svg+xml" data="x1.svg" class="ltx_graphics"></object>'
        + caption("Vectors.")
    )
    assert read(body) == [Figure(url=f"{FOLDER}x1.svg", caption="Vectors.")]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("Plain.", "Plain."),
        (
            'Scores of<span class="ltx_text ltx_font_bold"> DAPO </span>on\n  A&amp;B.',
            "Scores of DAPO on A&B.",
        ),
        (
            r'A <math alttext="3\times 3"><mn>3</mn><mo>×</mo><mn>3</mn></math> block',
            "A 3 × 3 block",
        ),
        (r'H<math alttext="\alpha"></math>', "Hα"),
        ("First<br>second<p>third</p>", "First second third"),
        ('Known<span class="ltx_note ltx_role_footnote"><sup>1</sup>A footnote.</span>.', "Known."),
        ('<span class="ltx_ERROR undefined">\\foo</span>Text.', "Text."),
        ('<span class="ltx_tag ltx_tag_item">(1)</span> One.', "One."),
        ("Figures differ: see 3.", "Figures differ: see 3."),
        ("", None),
    ],
)
def test_a_caption_is_plain_text_without_its_number(words: str, text: str | None):
    assert one_caption(words) == text


@pytest.mark.parametrize(
    "number",
    ["Figure 3: ", "Figure 3. ", "Fig. 12: ", "FIGURE S2: ", "Figure A.1: ", "Figure 3 | "],
)
def test_a_number_without_markup_is_removed_too(number: str):
    assert one_caption(f"{number}Words.", tag="") == "Words."


def test_a_caption_that_mentions_its_figure_keeps_the_words():
    assert one_caption("Figure 3 shows more.", tag="") == "Figure 3 shows more."


def test_a_long_caption_is_cut_at_a_word():
    text = one_caption("word " * 300)
    assert len(text) <= MOST_CAPTION
    assert text.endswith("word…")
    exact = ("x" * 59 + " ") * 9 + "x" * 60
    assert one_caption(exact) == exact


def test_any_bytes_are_accepted():
    assert read_figures(b"", URL) == []
    assert read_figures(b"\xff\xfe\x00<figure class='ltx_figure'><img src=", URL) == []
    assert read_figures(b"%PDF-1.7 not a page", URL) == []


def test_a_comment_before_the_title_of_a_section_is_skipped():
    body = f"<section><!-- 1 --><h2 class='ltx_title'>Method</h2>{figure(image())}</section>"
    assert [found.section for found in read(body)] == ["Method"]


def test_an_icon_or_a_panel_of_a_table_is_no_image_of_the_figure_around_it():
    table = figure(image("x1.png") + caption("Numbers.", "Table 1: ", "table"), "ltx_table")
    icon = image("icon.png", 'width="20" height="18"')
    assert read(figure(table + icon + caption("Both.", "Figure 2: "))) == []


@pytest.mark.parametrize(
    "opened",
    [
        '<figure class="ltx_figure"><img src="x1.png"><figcaption>Figure 1: Deep.',
        '<figure class="ltx_figure"><img src="x1.png"><figcaption>Figure 1: Deep.</figcaption>',
        "<figcaption>",
        "<span>",
        '<span class="ltx_tag ltx_tag_figure">(a)',
        '<section><h2 class="ltx_title">Deep</h2>',
        '<math alttext="x">',
    ],
    ids=["captions in figures", "figures", "captions", "spans", "tags", "sections", "math"],
)
def test_a_page_nested_thousands_of_times_is_read(opened: str):
    """Each took minutes, or overflowed the stack, when floats were compared with each other."""
    page_of = f"<figure class='ltx_figure'>{image()}{caption('Whole.')}{opened * 3000}</figure>"
    assert read(page_of)[0].url == f"{FOLDER}x1.png"
    inside = f"<figure class='ltx_figure'>{image()}<figcaption>{opened * 3000}</figure>"
    assert len(read(inside)) <= 1
