"""Formulas become readable text on one line."""

import pytest

from papers_pipeline.text.latex import readable_math


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"3\times 3", "3 × 3"),
        (r"\alpha", "α"),
        (r"\Lambda", "Λ"),
        (r"f_{\rm activated}", "f_activated"),
        (r"\mathcal{O}(n\log n)", "O(n log n)"),
        (r"d^{-1/2}", "d^(-1/2)"),
        (r"10^{-3}", "10⁻³"),
        (r"x_{i}^{2}", "x_i²"),
        (r"\pi_{0.5}", "π_0.5"),
        (r"\frac{a+b}{2}", "(a+b)/2"),
        (r"\sqrt{d_{k}}", "√(d_k)"),
        (r"90^{\circ}", "90°"),
        (r"\left\{x\right\}", "{x}"),
        (r"p\leq 5\%", "p ≤ 5%"),
        (r"\operatorname{softmax}(QK^{\top})", "softmax(QK^⊤)"),
        (r"\text{top-}k", "top-k"),
        (r"p \succ q, \epsilon\ne\phi", "p ≻ q, ε ≠ φ"),
        (r"\unheardof{x}", "unheardofx"),
        (r"a}b{c", "abc"),
        ("\\", "\\"),
        ("x^", "x"),
        ("", ""),
    ],
)
def test_a_formula_becomes_readable_text(latex: str, text: str):
    assert readable_math(latex) == text


def test_a_formula_of_any_length_and_depth_is_cut():
    assert readable_math("{" * 100_000) == ""
    assert set(readable_math(r"\frac" * 10_000)) <= set("/()frac")
