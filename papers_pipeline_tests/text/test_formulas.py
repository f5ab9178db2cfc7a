"""TeX in titles and abstracts is typeset: formulas as pure MathML, macros as characters."""

import html5lib
import pytest

from papers_pipeline.text.formulas import LONGEST, plain, typeset, typeset_recorded

MATHML = "{http://www.w3.org/1998/Math/MathML}"


def elements(text: str) -> list[str]:
    """The elements of the typeset text, by local name. Raises if the HTML has a parse error."""
    tree = html5lib.HTMLParser(strict=True).parseFragment(str(typeset(text)))
    return [
        element.tag.rpartition("}")[2] for element in tree.iter() if isinstance(element.tag, str)
    ][1:]


@pytest.mark.parametrize(
    ("text", "mathml"),
    [
        (r"$x$", '<math display="inline"><mrow><mi>x</mi></mrow></math>'),
        (r"\(x\)", '<math display="inline"><mrow><mi>x</mi></mrow></math>'),
        (r"$$x$$", '<math display="block"><mrow><mi>x</mi></mrow></math>'),
        (r"\[x\]", '<math display="block"><mrow><mi>x</mi></mrow></math>'),
        (
            r"$p<0.05$",
            '<math display="inline"><mrow><mi>p</mi><mo>&lt;</mo><mn>0.05</mn></mrow></math>',
        ),
        (
            r"$O(n)$-time",
            '<math display="inline"><mrow><mi>O</mi><mo stretchy="false">(</mo><mi>n</mi>'
            '<mo stretchy="false">)</mo></mrow></math>-time',
        ),
        (r"3$\times$3", '3<math display="inline"><mrow><mo>×</mo></mrow></math>3'),
    ],
)
def test_a_formula_becomes_mathml(text: str, mathml: str):
    assert typeset(text) == mathml


@pytest.mark.parametrize(
    "text",
    [
        "costs $5 and $6.",
        "Can Models Earn $1 Million?",
        "$5-$6 a call",
        "prevent 87-$89% of invalid $ proposals",
        "from US$5 to US$6",
        "it costs $4 per call and $ is a sign",
        "we pay $5 for each call and double that for$ twice",
        "snake_case_name and https://example.org/a_b_c",
        "a price of $5",
    ],
)
def test_prices_and_names_stay_as_they_are(text: str):
    assert typeset(text) == text
    assert plain(text) == text


def test_escaped_dollars_are_prices():
    assert typeset(r"from \$5 to \$6") == "from $5 to $6"


def test_a_price_does_not_hide_the_formula_behind_it():
    assert elements("from $10 to train, $x$ of it") == ["math", "mrow", "mi"]


@pytest.mark.parametrize(
    ("latex", "source"),
    [
        (r"\unheardof{x}", r"\unheardof{x}"),
        (r"\frac", r"\frac"),
        ("{" * 900, "{" * 900),
        ("x" * (LONGEST + 1), "x" * (LONGEST + 1)),
        (r"a & b \\ c", r"a &amp; b \\ c"),
    ],
)
def test_a_formula_that_cannot_be_typeset_is_shown_as_source(latex: str, source: str):
    assert typeset(f"${latex}$") == f"<code>{source}</code>"


@pytest.mark.parametrize(
    "text",
    [
        "$<script>alert(1)</script>$",
        r"$\href{javascript:alert(1)}{x}$",
        r"$\class{a}{x}\style{color:red}{y}$",
        r"$\text{<img src=x onerror=alert(1)>}$",
        r"$\color{red}{x}$",
        "<b>$x$</b> & <script>",
        r"\(</math><script>alert(1)</script>\)",
    ],
)
def test_a_formula_becomes_nothing_but_mathml(text: str):
    tree = html5lib.HTMLParser(strict=True).parseFragment(str(typeset(text)))
    found = [element for element in tree.iter() if isinstance(element.tag, str)][1:]
    assert {element.tag for element in found if not element.tag.startswith(MATHML)} <= {
        "{http://www.w3.org/1999/xhtml}code"
    }
    assert {name for element in found for name in element.attrib} <= {"display", "stretchy"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"gains of 5\% on R\&D", "gains of 5% on R&amp;D"),
        (r"we \textbf{do} \emph{this} with \textsc{AIEV}", "we do this with AIEV"),
        (r"{\bf bold} and \emph{a \textbf{b} c}", "bold and a b c"),
        ("pages 1--2 -- and more---or less", "pages 1–2 – and more—or less"),
        ("run it with --flag", "run it with --flag"),
        ("in Sec.~2 of ~70 systems", "in Sec.\N{NO-BREAK SPACE}2 of ~70 systems"),
        ("the `sweet spot'' of it", "the “sweet spot” of it"),
        (
            r"""Bolet\'{\i}n, G\"odel, \v{C}ech, Erd\H{o}s, fran\c{c}ais""",
            "Boletín, Gödel, Čech, Erdős, français",
        ),
        (r"360{\deg} and \eg, \ie that", "360° and e.g., i.e. that"),
        (r"\method stays, as \ours does", r"\method stays, as \ours does"),
    ],
)
def test_text_macros_become_characters(text: str, shown: str):
    assert typeset(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("O(N^2) attention", "O(N<sup>2</sup>) attention"),
        ("at a rate O(n^{-1/(d+2)})", "at a rate O(n<sup>−1/(d+2)</sup>)"),
        ("τ^2-Bench and A^2D", "τ<sup>2</sup>-Bench and A<sup>2</sup>D"),
        (
            "an operator G_{stack}, π_0 and F_1",
            "an operator G<sub>stack</sub>, π<sub>0</sub> and F<sub>1</sub>",
        ),
        ("SFT_Chosen, pip install graph_ragu", "SFT_Chosen, pip install graph_ragu"),
    ],
)
def test_powers_and_indices_that_lost_their_dollars_are_typeset(text: str, shown: str):
    assert typeset(text) == shown


def test_a_formula_in_plain_text_is_readable():
    assert plain(r"$\alpha$-Nets: 10$^{-3}$ of \textbf{it} -- \(x^2\)") == "α-Nets: 10⁻³ of it – x²"


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("a rate of O(n^{-1/2}) at 10^{-3}", "a rate of O(n^(-1/2)) at 10⁻³"),
        (r"in \mathcal{O}(n \log n) time", "in O(n log n) time"),
        (r"a width d_{\text{model}} of 4^6", "a width d_model of 4⁶"),
        (r"\alpha=0.5, so \ours is 3\times faster", "α=0.5, so ours is 3× faster"),
        ("a ``boiling'' kettle", "a “boiling” kettle"),
    ],
)
def test_formulas_that_lost_their_dollar_signs_are_readable(text: str, readable: str):
    assert plain(text) == readable


def test_text_between_formulas_can_be_rendered_by_the_caller():
    assert typeset("a -- $x$ -- <b>", str.upper) == (
        'A -- <math display="inline"><mrow><mi>x</mi></mrow></math> -- &lt;B&gt;'
    )


def test_a_recorded_text_begins_letter_for_letter():
    early = "We study rates -- slow ones -- of convergence, and show by 5\\% that they are slow."
    assert typeset_recorded(early) == early
    late = (
        "We study rates of convergence in spaces of many dimensions, "
        "and show -- by 5\\% -- that they are slow."
    )
    assert typeset_recorded(late) == late.replace("--", "–").replace("\\%", "%")


def test_hostile_texts_take_no_time():
    for text in (
        r"\(" * 20_000,
        "$" * 20_001,
        "$x " * 20_000,
        "`" * 20_000,
        r"\textbf{" * 5_000,
        "x_{" * 20_000,
    ):
        typeset(text)
        plain(text)
