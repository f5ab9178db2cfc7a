"""What is mechanical in an answer is mended, once; what Unicode cannot write stays."""

import pytest

from papers_pipeline.enrichment.repairs import repaired_text, repaired_title


@pytest.mark.parametrize(
    ("title", "repaired"),
    [
        ("A router wakes one expert.", "A router wakes one expert"),
        ("只唤醒所需专家。", "只唤醒所需专家"),
        ("«Роутер будит одного»", "Роутер будит одного"),
        ('"A router wakes one expert."', "A router wakes one expert"),
        ("“A router wakes one expert”.", "A router wakes one expert"),
        ("「路由器」", "路由器"),
        ("«Роутер» и «эксперт»", "«Роутер» и «эксперт»"),
        ("Роутер по имени «Сова»", "Роутер по имени «Сова»"),
        ("One expert, and another…", "One expert, and another…"),
        ("One expert...", "One expert..."),
        ("Is one expert enough?", "Is one expert enough?"),
        ("Experts of the U.S.", "Experts of the U.S."),
        ("Sorting in $O(n \\log n)$ steps", "Sorting in O(n log n) steps"),
        ("The cost is $5 to $6", "The cost is $5 to $6"),
        (" A router ", "A router"),
        (".", ""),
        ("", ""),
    ],
)
def test_a_title_loses_its_full_stop_its_quotation_marks_and_its_latex(title: str, repaired: str):
    assert repaired_title("en", title) == repaired
    assert repaired_title("en", repaired) == repaired


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("用7B模型读Lumen-2的光。", "用 7B 模型读 Lumen-2 的光。"),
        ("从34%降到12%，快2.6倍。", "从 34% 降到 12%，快 2.6 倍。"),
        ("账本（Ledger）有λ项。", "账本（Ledger）有 λ 项。"),
    ],
)
def test_blanks_set_off_latin_words_and_numbers_in_chinese(text: str, repaired: str):
    assert repaired_text("zh", text) == repaired
    assert repaired_text("zh", repaired) == repaired
    assert repaired_text("ja", text) == text
    assert repaired_title("zh", text) == repaired.removesuffix("。")


@pytest.mark.parametrize(
    ("language", "text", "repaired"),
    [
        ("en", "One expert wakes", "One expert wakes."),
        ("ru", "Просыпается один эксперт", "Просыпается один эксперт."),
        ("zh", "只唤醒一个专家", "只唤醒一个专家。"),
        ("zh-TW", "只喚醒一個專家", "只喚醒一個專家。"),
        ("en", "It gains 5%", "It gains 5%."),
        ("ru", "Это «сова»", "Это «сова»."),
        ("en", 'It asks "why?"', 'It asks "why?"'),
        ("en", "It works (twice)", "It works (twice)."),
        ("zh", "有效。", "有效。"),
        ("zh", "真的有效吗？", "真的有效吗？"),
        ("en", "The rest is", "The rest is."),
        ("en", "It has three parts:", "It has three parts:"),
        ("en", "", ""),
    ],
)
def test_a_text_gets_the_full_stop_of_its_language(language: str, text: str, repaired: str):
    assert repaired_text(language, text) == repaired
    assert repaired_text(language, repaired) == repaired


@pytest.mark.parametrize(
    ("latex", "written"),
    [
        ("$\\alpha$ and $\\beta_1$", "α and β₁"),
        ("$\\pi^3$", "π³"),
        ("D$^3$QE", "D³QE"),
        ("A$^*$ search", "A* search"),
        ("UI2Code$^\\text{N}$", "UI2Code^N"),
        ("E\\textsuperscript{2}R", "E²R"),
        ("$CoT$-$Pass@K$", "CoT-Pass@K"),
        ("\\(x \\leq 3\\)", "x ≤ 3"),
        ("2\\times 3", "2 × 3"),
        ("a gain of 12\\%", "a gain of 12%"),
        ("O(n^{2})", "O(n²)"),
        ("\\textbf{good}", "good"),
        ("$\\mathcal{L}_{12}$", "L₁₂"),
        ("$220$K", "220K"),
        ("$\\unheardof$", "$\\unheardof$"),
        ("\\implname", "\\implname"),
        ("R_max and x_i", "R_max and x_i"),
    ],
)
def test_latex_becomes_unicode_if_it_can(latex: str, written: str):
    assert repaired_text("en", f"It is {latex}.") == f"It is {written}."
    assert repaired_text("en", f"It is {written}.") == f"It is {written}."
