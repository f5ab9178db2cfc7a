"""The parser, on PDFs that each test draws: text, place, order and style."""

from collections.abc import Iterable
from pathlib import Path

import pymupdf
import pytest

from papers_pipeline.documents.pdf.accents import compose_accents
from papers_pipeline.documents.pdf.parse import ParsedPdf, PdfError, parse_pdf

ROMAN, BOLD, ITALIC = "tiro", "tibo", "tiit"
LEFT, RIGHT, WIDE = 54, 318, 90
SENTENCE = (
    "the model reads a sentence and then another one until all of it has been read by the model"
)


class Drawing:
    """A PDF that a test draws. Text is placed by the left end of its baseline."""

    def __init__(self) -> None:
        self.document = pymupdf.open()

    def page(self) -> "Drawing":
        self.sheet = self.document.new_page(width=612, height=792)
        return self

    def write(
        self, x: float, y: float, text: str, size: float = 10, font: str = ROMAN, rotate: int = 0
    ) -> "Drawing":
        self.sheet.insert_text((x, y), text, fontsize=size, fontname=font, rotate=rotate)
        return self

    def lines(
        self, x: float, y: float, lines: Iterable[str], size: float = 10, font: str = ROMAN
    ) -> "Drawing":
        for number, line in enumerate(lines):
            self.write(x, y + 1.2 * size * number, line, size, font)
        return self

    def glyphs(self, x: float, y: float, text: str) -> "Drawing":
        """Text with characters that the fonts of `write` lack, such as ligatures."""
        writer = pymupdf.TextWriter(self.sheet.rect)
        writer.append((x, y), text, font=pymupdf.Font("tiro"), fontsize=10)
        writer.write_text(self.sheet)
        return self

    def heading(self, y: float, text: str, x: float = WIDE) -> "Drawing":
        return self.write(x, y, text, 12, BOLD)

    def parse(self, folder: Path, **options: object) -> ParsedPdf:
        self.document.save(folder / "paper.pdf", **options)
        self.document.close()
        return parse_pdf(folder / "paper.pdf")


def prose(count: int, words: int = 14) -> list[str]:
    """Lines of running text, all different."""
    stock = SENTENCE.split() * 4
    return [" ".join([f"line{number}", *stock[number % 19 :][:words]]) for number in range(count)]


def opening(*byline: str) -> Drawing:
    """A first page of one column: title, byline, abstract and introduction."""
    drawing = Drawing().page().write(150, 80, "A Study of Small Things", 17, BOLD)
    drawing.lines(150, 110, byline).heading(300, "Abstract", 280).lines(WIDE, 320, prose(4))
    return drawing.heading(400, "1 Introduction").lines(WIDE, 420, prose(9))


def titles(parsed: ParsedPdf) -> list[str]:
    return [section.title for section in parsed.sections]


def test_paper_in_one_column(tmp_path: Path):
    drawing = opening("Ada Example1, Bo Sample2", "1 University of Exampleton", "2 Sample Labs")
    drawing.heading(560, "2 Method").lines(WIDE, 580, prose(5))
    drawing.page().heading(80, "3 Conclusion").lines(WIDE, 100, prose(5))
    drawing.heading(200, "Acknowledgements").lines(WIDE, 220, prose(2))
    drawing.heading(300, "References").lines(
        WIDE, 320, ["[1] Ada Example. On things. 2024.", "[2] Bo Sample. More. 2025."]
    )
    drawing.page().heading(80, "A Proofs").lines(WIDE, 100, prose(5))
    drawing.heading(200, "B Tables").lines(WIDE, 220, prose(5))
    parsed = drawing.parse(tmp_path)
    assert titles(parsed) == [
        *("Abstract", "1 Introduction", "2 Method", "3 Conclusion"),
        *("Acknowledgements", "References", "A Proofs", "B Tables"),
    ]
    assert parsed.header == "Ada Example1, Bo Sample2\n1 University of Exampleton\n2 Sample Labs"
    assert parsed.sections[2].text == " ".join(prose(5))
    assert parsed.sections[5].text.startswith("[1] Ada Example.")
    assert (parsed.pages, parsed.arxiv_version) == (3, None)


def two_columns() -> Drawing:
    """The first page of a paper in two columns, below a title and a byline across both."""
    drawing = Drawing().page().write(100, 80, "A Study of Small Things in Two Columns", 17, BOLD)
    drawing.write(200, 110, "Ada Example").write(320, 110, "Bo Sample")
    drawing.write(190, 123, "Example University").write(310, 123, "Sample Institute")
    return drawing.heading(180, "1 Introduction", LEFT)


@pytest.mark.parametrize("woven", [False, True], ids=["column by column", "row by row"])
def test_columns_stay_apart(tmp_path: Path, woven: bool):
    left = [
        (LEFT, 200 + 12 * row, f"left{row} and all the words of this line of text")
        for row in range(30)
    ]
    right = [
        (RIGHT, 200 + 12 * row, f"right{row} and all the words of this line of text")
        for row in range(30)
    ]
    drawing = two_columns()
    for x, y, text in (
        [place for pair in zip(left, right, strict=True) for place in pair]
        if woven
        else left + right
    ):
        drawing.write(x, y, text)
    (section,) = drawing.parse(tmp_path).sections
    found = [word for word in section.text.split() if word.startswith(("left", "right"))]
    assert found == [f"left{row}" for row in range(30)] + [f"right{row}" for row in range(30)]


def test_a_heading_in_either_column_has_its_own_text(tmp_path: Path):
    drawing = two_columns().lines(LEFT, 200, prose(30, 7))
    drawing.heading(200, "2 Method", RIGHT).lines(RIGHT, 220, prose(8, 7))
    drawing.heading(400, "3 Results", RIGHT).lines(RIGHT, 420, prose(9, 7))
    parsed = drawing.parse(tmp_path)
    assert [(section.title, section.text) for section in parsed.sections] == [
        ("1 Introduction", " ".join(prose(30, 7))),
        ("2 Method", " ".join(prose(8, 7))),
        ("3 Results", " ".join(prose(9, 7))),
    ]


def test_cells_of_a_byline_stay_apart(tmp_path: Path):
    parsed = two_columns().lines(LEFT, 200, prose(30, 7)).parse(tmp_path)
    assert parsed.header.splitlines() == [
        "Ada Example",
        "Bo Sample",
        "Example University",
        "Sample Institute",
    ]


def test_footnotes_that_name_institutions_follow_the_byline(tmp_path: Path):
    drawing = opening("Ada Example 1 Bo Sample 2")
    notes = [
        "*Equal contribution 1Department of Things, Example University, Exampleton. "
        "2Sample GmbH, Berlin,",
        "Germany. Correspondence to: Ada Example <ada@example.org>.",
    ]
    drawing.lines(WIDE, 680, notes, 8).lines(
        WIDE, 720, ["3The code is at https://example.org/code for all."], 8
    )
    header = drawing.parse(tmp_path).header
    assert header.splitlines() == [
        "Ada Example 1 Bo Sample 2",
        "*Equal contribution 1Department of Things, Example University, Exampleton. "
        "2Sample GmbH, Berlin, Germany.",
    ]


def test_lines_that_name_nobody_are_left_out(tmp_path: Path):
    noise = [
        "ada@example.org",
        "{ada,bo}@example.org",
        "{ada,",
        "bo}@example.org",
        "https://example.org",
        "Preprint. Under review.",
        "May 1, 2025",
    ]
    parsed = opening("Ada Example", "Example University", *noise).parse(tmp_path)
    assert parsed.header == "Ada Example\nExample University"


def test_addresses_after_the_references_count_if_the_first_page_has_none(tmp_path: Path):
    drawing = opening("ADA EXAMPLE AND BO SAMPLE").page().heading(80, "References")
    drawing.lines(
        WIDE,
        100,
        ["[1] Cy Other. On things. University Press, 2020.", "and a second line of it."],
        8,
    )
    address = ["Ada Example, Department of Things, Example University,", "12345 Exampleton"]
    drawing.lines(WIDE, 140, address, 8, ITALIC).write(
        WIDE, 170, "Email address: ada@example.org", 8
    )
    assert drawing.parse(tmp_path).header.splitlines() == ["ADA EXAMPLE AND BO SAMPLE", *address]


def test_institutions_come_first_if_names_fill_the_first_question(tmp_path: Path):
    names = [
        f"Person{number} Longfamilyname{number}, Other{number} Longfamilyname{number},"
        for number in range(85)
    ]
    drawing = (
        Drawing()
        .page()
        .write(150, 40, "A Study of Small Things", 17, BOLD)
        .lines(WIDE, 60, names, 6)
    )
    drawing.write(WIDE, 690, "1 Example University").heading(720, "Abstract").lines(
        WIDE, 735, prose(3)
    )
    header = drawing.parse(tmp_path).header
    assert len(header) > 3000
    assert header.startswith("1 Example University\nPerson0")
    assert header.endswith(names[-1])


def test_the_stamp_gives_the_version_but_no_text(tmp_path: Path):
    drawing = opening("Ada Example", "Example University")
    drawing.write(30, 600, "arXiv:2503.12345v3  [cs.CL]  4 Mar 2025", 20, ROMAN, rotate=90)
    parsed = drawing.parse(tmp_path)
    assert parsed.arxiv_version == 3
    assert "arXiv" not in parsed.model_dump_json()


def test_running_heads_and_page_numbers_are_dropped(tmp_path: Path):
    drawing = opening("Ada Example", "Example University").write(300, 770, "1", 9)
    for number in range(2, 7):
        drawing.page().write(200, 40, f"Example and Sample, volume {number}", 9).write(
            300, 770, str(number), 9
        )
        drawing.heading(80, f"{number} Part").lines(WIDE, 100, prose(40))
    parsed = drawing.parse(tmp_path)
    assert titles(parsed) == [
        "Abstract",
        "1 Introduction",
        *(f"{number} Part" for number in range(2, 7)),
    ]
    assert [section.text for section in parsed.sections[2:]] == [" ".join(prose(40))] * 5


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        (["a long exam-", "ple of it"], "a long example of it"),
        (["a state-of-the-", "art method"], "a state-of-the-art method"),
        (["well-known and a well-", "known thing"], "well-known and a well-known thing"),
        (["as GPT-", "4 does"], "as GPT-4 does"),
        (["pages 3-", "7 of it"], "pages 3-7 of it"),
        (["a Model3-", "based one"], "a Model3-based one"),
        (["in -", "and out"], "in - and out"),
        (["the pre-", "training, and pretraining again"], "the pretraining, and pretraining again"),
    ],
)
def test_hyphenated_words_are_mended(tmp_path: Path, printed: list[str], read: str):
    drawing = (
        opening("Ada Example", "Example University")
        .heading(560, "2 Method")
        .lines(WIDE, 580, printed)
    )
    assert drawing.parse(tmp_path).sections[-1].text == read


def test_ligatures_are_spelled_out(tmp_path: Path):
    drawing = opening("Ada Example", "Example University").heading(560, "2 Method")
    parsed = drawing.glyphs(WIDE, 580, "e\ufb03cient work\ufb02ows \ufb01t").parse(tmp_path)
    assert parsed.sections[-1].text == "efficient workflows fit"


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ("Universit¨at", "Universität"),
        ("Universit ¨at", "Universität"),
        ("Sch¨onlieb", "Schönlieb"),
        ("Cat´olica del Per´u", "Católica del Perú"),
        ("Mar´ıa", "María"),
        ("Fran¸cois", "François"),
        ("Franc¸ois", "François"),
        ("the ´Ecole", "the École"),
        ("ˇSkoda", "Škoda"),
        ("as ˆy is", "as ŷ is"),
        ("as ˆp is", "as ˆp is"),
        ("plain", "plain"),
    ],
)
def test_separate_accents_are_composed(printed: str, read: str):
    assert compose_accents(printed) == read


def test_heading_on_two_lines_is_one(tmp_path: Path):
    drawing = opening("Ada Example", "Example University")
    drawing.heading(560, "2 A Heading of Many Words that Goes On").heading(574, "for a Second Line")
    drawing.lines(WIDE, 594, prose(3))
    parsed = drawing.parse(tmp_path)
    assert titles(parsed)[-1] == "2 A Heading of Many Words that Goes On for a Second Line"
    assert parsed.sections[-1].text == " ".join(prose(3))


def test_a_number_and_its_distant_title_are_one_heading(tmp_path: Path):
    drawing = (
        opening("Ada Example", "Example University")
        .heading(560, "2")
        .heading(560, "Method", WIDE + 24)
    )
    assert titles(drawing.lines(WIDE, 580, prose(3)).parse(tmp_path))[-1] == "2 Method"


def test_run_in_abstract(tmp_path: Path):
    drawing = (
        Drawing()
        .page()
        .write(150, 80, "A Study of Small Things", 17, BOLD)
        .lines(150, 110, ["Ada Example"])
    )
    drawing.lines(WIDE, 200, ["Abstract. We study small things.", *prose(5)], 9, BOLD)
    drawing.write(250, 300, "I. INTRODUCTION").lines(WIDE, 320, prose(5))
    drawing.write(250, 400, "II. METHOD").lines(WIDE, 420, prose(5))
    drawing.write(250, 500, "III. CONCLUSION").lines(WIDE, 520, prose(5))
    parsed = drawing.parse(tmp_path)
    assert titles(parsed) == ["Abstract", "I. INTRODUCTION", "II. METHOD", "III. CONCLUSION"]
    assert parsed.sections[0].text == "We study small things. " + " ".join(prose(5))
    assert parsed.header == "Ada Example"


def test_appendix_with_its_title_on_the_next_line(tmp_path: Path):
    drawing = Drawing().page().write(150, 80, "A Study of Small Things", 17, BOLD)
    for number, title in enumerate(
        ["I. INTRODUCTION", "II. METHOD", "III. CONCLUSION", "REFERENCES"]
    ):
        drawing.write(250, 150 + 100 * number, title).lines(WIDE, 170 + 100 * number, prose(4))
    drawing.page()
    for number, (letter, title) in enumerate([("A", "DATA AVAILABILITY"), ("B", "PROOFS")]):
        drawing.lines(250, 100 + 100 * number, [f"APPENDIX {letter}", title])
        drawing.lines(WIDE, 130 + 100 * number, prose(4))
    assert titles(drawing.parse(tmp_path))[-2:] == [
        "APPENDIX A DATA AVAILABILITY",
        "APPENDIX B PROOFS",
    ]


def test_headings_without_numbers_are_found_by_style(tmp_path: Path):
    drawing = (
        Drawing()
        .page()
        .write(150, 80, "A Study of Small Things", 17, BOLD)
        .write(150, 110, "Ada Example")
    )
    names = ["Abstract", "Introduction", "What Others Did", "Results", "References"]
    for number, name in enumerate(names):
        drawing.heading(150 + 100 * number, name).lines(WIDE, 170 + 100 * number, prose(4))
    assert titles(drawing.parse(tmp_path)) == names


def test_lines_that_only_resemble_headings_are_none(tmp_path: Path):
    drawing = (
        opening().write(150, 110, "Ada Example", 12, BOLD).write(150, 124, "Bo Sample", 12, BOLD)
    )
    drawing.page().heading(80, "Contents")
    for number, name in enumerate(["Introduction", "Method", "Results"]):
        drawing.write(WIDE, 100 + 14 * number, f"{number + 1} {name}", 12, BOLD)
        drawing.write(500, 100 + 14 * number, str(number + 2), 12, BOLD)
    drawing.heading(200, "2 Method").lines(WIDE, 220, prose(3))
    drawing.lines(
        WIDE,
        300,
        ["1 Read the first number", "2 Read the second number", "3 Return both of them"],
        10,
        BOLD,
    )
    drawing.heading(400, "2.1 A part of it").lines(WIDE, 420, prose(3))
    drawing.write(WIDE, 500, "A.1 Another part", 12, BOLD).lines(WIDE, 520, prose(3))
    drawing.write(WIDE, 580, "Setup.", 10, BOLD).lines(WIDE + 40, 580, prose(2))
    drawing.heading(640, "3 Results").lines(WIDE, 660, prose(3))
    assert [title for title in titles(drawing.parse(tmp_path)) if title != "Contents"] == [
        *("Abstract", "1 Introduction", "2 Method", "3 Results"),
    ]


def test_author_names_in_heading_style_are_no_headings(tmp_path: Path):
    drawing = Drawing().page().write(150, 80, "A Study of Small Things", 17, BOLD)
    drawing.write(150, 110, "Ada Example", 12, BOLD).write(150, 124, "Example University")
    names = ["Introduction", "What We Did", "Results", "References"]
    for number, name in enumerate(names):
        drawing.heading(200 + 100 * number, name).lines(WIDE, 220 + 100 * number, prose(4))
    parsed = drawing.parse(tmp_path)
    assert titles(parsed) == names
    assert parsed.header == "Ada Example\nExample University"


def test_a_numbered_list_is_no_chain_of_headings(tmp_path: Path):
    drawing = (
        Drawing()
        .page()
        .write(150, 80, "A Study of Small Things", 17, BOLD)
        .write(150, 110, "Ada Example")
    )
    drawing.heading(200, "Introduction").lines(WIDE, 220, prose(4))
    for number, name in enumerate(["Read", "Think", "Write", "Rest"]):
        drawing.write(WIDE, 300 + 50 * number, f"{number + 1}. {name}", 10, BOLD)
        drawing.lines(WIDE, 314 + 50 * number, prose(2))
    drawing.heading(540, "Results").lines(WIDE, 560, prose(4)).heading(640, "References").lines(
        WIDE, 660, prose(4)
    )
    assert titles(drawing.parse(tmp_path)) == ["Introduction", "Results", "References"]


def test_headings_in_small_capitals(tmp_path: Path):
    """Initials are bigger, and each word of a title may be a separate line."""
    drawing = (
        Drawing()
        .page()
        .write(150, 80, "A STUDY OF SMALL THINGS", 17)
        .write(150, 110, "Ada Example", 10, BOLD)
    )
    names = ["ABSTRACT", "1 INTRODUCTION", "2 RELATED WORK", "3 METHOD", "REFERENCES", "A PROOFS"]
    for row, name in enumerate(names):
        x, y = float(WIDE), 160 + 100 * row
        for word in name.split():
            drawing.write(x, y, word[0], 12)
            x += pymupdf.get_text_length(word[0], ROMAN, 12)
            drawing.write(x, y, word[1:], 9.6)
            x += pymupdf.get_text_length(word[1:], ROMAN, 9.6) + (4 if word[1:] else 18)
        drawing.lines(WIDE, y + 20, prose(4))
    assert titles(drawing.parse(tmp_path)) == names


def test_a_closing_name_inside_a_section_is_no_heading(tmp_path: Path):
    drawing = opening("Ada Example", "Example University").write(WIDE, 540, "Limitations", 10, BOLD)
    drawing.lines(WIDE, 556, prose(3)).heading(620, "2 Method").lines(WIDE, 640, prose(3))
    drawing.page().write(WIDE, 80, "Limitations", 10, BOLD).lines(WIDE, 100, prose(3))
    assert titles(drawing.parse(tmp_path)) == [
        "Abstract",
        "1 Introduction",
        "2 Method",
        "Limitations",
    ]


def test_letters_below_an_appendix_heading_are_second_level(tmp_path: Path):
    drawing = (
        opening("Ada Example", "Example University")
        .heading(560, "2 Method")
        .lines(WIDE, 580, prose(3))
    )
    drawing.page().heading(80, "References").lines(WIDE, 100, prose(3)).heading(200, "Appendix")
    drawing.write(WIDE, 220, "A. Proofs", 10.5, BOLD).lines(WIDE, 240, prose(3))
    drawing.write(WIDE, 320, "B. Tables", 10.5, BOLD).lines(WIDE, 340, prose(3))
    assert titles(drawing.parse(tmp_path))[-2:] == ["References", "Appendix"]


def test_a_heading_number_at_the_top_of_a_page_is_no_page_number(tmp_path: Path):
    drawing = (
        opening("Ada Example", "Example University")
        .page()
        .heading(60, "2")
        .heading(60, "Method", WIDE + 24)
    )
    parsed = drawing.lines(WIDE, 80, prose(30)).write(300, 770, "2").parse(tmp_path)
    assert [section.title for section in parsed.sections] == [
        "Abstract",
        "1 Introduction",
        "2 Method",
    ]
    assert parsed.sections[-1].text == " ".join(prose(30))


def test_special_spaces_and_hyphens_become_plain(tmp_path: Path):
    drawing = opening("Ada Example", "Example University").heading(560, "2 Method")
    parsed = drawing.glyphs(WIDE, 580, "one\u00a0thing and well\u2010known").parse(tmp_path)
    assert parsed.sections[-1].text == "one thing and well-known"


def test_a_picture_between_byline_and_abstract_is_left_out(tmp_path: Path):
    drawing = opening("Ada Example", "Example University").lines(
        WIDE, 200, ["input", "model", "output"], 5
    )
    drawing.lines(WIDE, 250, [f"Figure 1: {prose(1)[0]}", *prose(2)], 9)
    assert drawing.parse(tmp_path).header == "Ada Example\nExample University"


def reason(path: Path) -> str:
    with pytest.raises(PdfError) as error:
        parse_pdf(path)
    return error.value.reason


def test_page_without_text_is_empty(tmp_path: Path):
    with pymupdf.open() as document:
        document.new_page()
        document.save(tmp_path / "a.pdf")
    assert reason(tmp_path / "a.pdf") == "empty"


def test_encrypted_file(tmp_path: Path):
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 72), "secret")
        document.save(
            tmp_path / "a.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="a", user_pw="b"
        )
    assert reason(tmp_path / "a.pdf") == "encrypted"


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
def test_truncated_file_is_damaged(tmp_path: Path, kept: float):
    drawing = opening("Ada Example")
    for _ in range(5):
        drawing.page().lines(WIDE, 100, prose(40))
    data = drawing.document.tobytes()
    (tmp_path / "a.pdf").write_bytes(data[: int(kept * len(data))])
    assert reason(tmp_path / "a.pdf") == "damaged"


def test_noise_after_a_pdf_header_is_damaged(tmp_path: Path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 40)
    assert reason(tmp_path / "a.pdf") == "damaged"


@pytest.mark.parametrize(
    "data", [b"", b"<!doctype html><title>Not found</title><p>Not found", b"\x89PNG\r\n\x1a\n"]
)
def test_other_files_are_no_pdf(tmp_path: Path, data: bytes):
    (tmp_path / "a.pdf").write_bytes(data)
    assert reason(tmp_path / "a.pdf") == "not_a_pdf"


def test_a_complete_file_with_a_tail_is_parsed(tmp_path: Path):
    data = (
        opening("Ada Example").document.tobytes() + b"\n" + b"<!-- served by example.org -->" * 100
    )
    (tmp_path / "a.pdf").write_bytes(data)
    assert titles(parse_pdf(tmp_path / "a.pdf")) == ["Abstract", "1 Introduction"]
