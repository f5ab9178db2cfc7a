"""True sentences pass; a number or a name that the paper does not have, and stray English, do not.

The sentences are in `fixtures/russian.yaml` and `fixtures/chinese.yaml`.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from papers_pipeline.base.faults import Fault
from papers_pipeline.enrichment.russian import russian_faults
from papers_pipeline.prompts.prompt import PACKAGED
from papers_pipeline.prompts.terms import load_terms
from papers_pipeline.text.markup import form_faults
from papers_pipeline.text.names import name_faults
from papers_pipeline.text.numbers import number_faults

FIXTURES = Path(__file__).parents[1] / "fixtures"
TERMS = load_terms((PACKAGED / "terms.txt").read_text(encoding="utf-8"))


def load(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((FIXTURES / name).read_text(encoding="utf-8"))


RUSSIAN, CHINESE = load("russian.yaml"), load("chinese.yaml")


def sentences(papers: list[dict[str, Any]], kind: str) -> list[Any]:
    return [
        pytest.param(paper, sentence, id=f"{paper['title'].split(':')[0]}-{number}")
        for paper in papers
        for number, sentence in enumerate(paper[kind])
    ]


def untrue(language: str, text: str, paper: dict[str, Any]) -> list[Fault]:
    source = f"{paper['title']}\n{paper['abstract']}"
    return [*number_faults(text, source), *name_faults(text, source, language=language)]


def stranger(text: str, paper: dict[str, Any]) -> list[Fault]:
    return list(russian_faults(text, TERMS, title=paper["title"], abstract=paper["abstract"]))


@pytest.mark.parametrize(("paper", "text"), sentences(RUSSIAN, "good"))
def test_a_russian_sentence_as_editors_write_it_has_no_fault(paper: dict[str, Any], text: str):
    assert [*stranger(text, paper), *untrue("ru", text, paper), *form_faults("text", text)] == []


@pytest.mark.parametrize(("paper", "case"), sentences(RUSSIAN, "bad"))
def test_english_that_an_editor_would_translate_is_found(paper: dict[str, Any], case: Any):
    (fault,) = stranger(case["text"], paper)
    assert (fault.rule, fault.severity) == ("stranger_words", "style")
    for word in case["words"]:
        assert f'"{word}"' in fault.message


@pytest.mark.parametrize(("paper", "text"), sentences(CHINESE, "good"))
def test_a_true_chinese_sentence_has_no_fault(paper: dict[str, Any], text: str):
    assert [*untrue("zh", text, paper), *form_faults("text", text)] == []


@pytest.mark.parametrize(("paper", "case"), sentences(CHINESE, "swapped"))
def test_a_swapped_number_or_name_is_quoted(paper: dict[str, Any], case: Any):
    (fault,) = untrue("zh", case["text"], paper)
    assert (fault.quoted, fault.severity) == (str(case["quoted"]), "unverified")


def test_there_are_enough_cases():
    assert len(sentences(RUSSIAN, "good")) >= 200
    assert len(sentences(RUSSIAN, "bad")) >= 60
    assert len(sentences(CHINESE, "good")) + len(sentences(CHINESE, "swapped")) >= 150


# Names

SOURCE = (
    "Tiller: Chain-of-Thought for Mixture-of-Experts\n"
    "Tiller uses reinforcement learning and a low-rank adaptation of Qwen2.5-7B-Instruct. It beats "
    "GPT-5.4 and DeepSeekMath on MATH-500, SWE-bench Verified and $\\tau^2$-bench with 8 H100s."
)


def names(text: str, language: str = "en", source: str = SOURCE) -> list[str]:
    return [fault.quoted for fault in name_faults(text, source, language=language)]


@pytest.mark.parametrize(
    "text",
    [
        "Tiller beats GPT 5.4 on MATH500 and τ²-Bench.",
        "Qwen2.5 and Qwen2.5-7B run on one H100.",
        "An RL agent with CoT, MoE and LoRA.",
        "A GPT-5.4-based, non-LLM and multi-GPU system on SWE-Bench.",
        "It is written in Python, with an API in HTML, for LLMs.",
        "DeepSeek models and the MoEs of Tiller's authors.",
        "However, Bayesian methods fail. Monte Carlo search is slow.",
        "Type II and Part III differ.",
        "M² is M2.",
    ],
)
def test_a_name_of_the_source_passes_in_any_spelling(text: str):
    assert names(text, source=SOURCE + " M$^2$") == []


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("Tiller beats GPT-4o.", ["GPT-4o"]),
        ("Tiller beats GPT-5.", ["GPT-5"]),
        ("Tiller beats GPT-4.5.", ["GPT-4.5"]),
        ("It beats GPT-4o, Claude 3.5, Gemini 1.5 Pro.", ["GPT-4o", "Claude 3.5", "Gemini 1.5"]),
        ("It beats Claude Opus 4.7 and Gemini 3 Pro.", ["Claude Opus 4.7", "Gemini"]),
        ("It runs on an A100.", ["A100"]),
        ("It is based on Qwen3-8B.", ["Qwen3-8B"]),
        ("It leads on MATH-100 and SWE-Lancer.", ["MATH-100", "SWE-Lancer"]),
        ("It uses DPO, by OpenAI.", ["DPO", "OpenAI"]),
    ],
)
def test_a_name_that_the_source_does_not_have_is_quoted(text: str, quoted: list[str]):
    assert names(text) == quoted


def test_any_capital_is_a_name_in_russian_and_only_a_sure_one_in_english():
    assert names("Метод обходит Wanderer.", "ru") == ["Wanderer"]
    assert names("Wanderer beats Tiller.", "en") == []
    assert names("WanderNet beats Tiller.", "en") == ["WanderNet"]


def test_the_words_of_an_acronym_of_the_source_pass():
    source = "GRPO trains it."
    assert names("Метод Group Relative Policy Optimization учит её.", "ru", source) == []
    assert names("Метод Group Policy учит её.", "ru", source) == ["Group", "Policy"]


# Numbers


def numbers(text: str, source: str) -> list[str]:
    return [fault.quoted for fault in number_faults(text, source)]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("12.34 points", "12.3 points"),
        ("12.34 points", "about 12 points"),
        ("494.8 million", "4.95亿"),
        ("494.8 million", "about 500 million"),
        ("2.36 times", "more than 2 times"),
        ("61.7%", "более 61%"),
        ("1,860 tasks", "近 2000 个任务"),
        ("$220$K", "220K"),
        ("$220$ K", "220 тыс."),
        ("$\\sim$11.2\\%", "11,2%"),
        ("$10^{-3}$", "10⁻³"),
        ("at 10^{-3} bar", "10^-3"),
        ("400 English and 400 Chinese", "800"),
        ("nothing", "1) one, 2) two, 3) three"),
        ("nothing", "(1) one and (2) two"),
        ("nothing", "（1）一；（2）二"),
        ("nothing", "points: 1. one. 2. two."),
        ("nothing", "第一，①；第二，②"),
        ("nothing", "2D and 3D shapes"),
    ],
)
def test_a_number_is_compared_as_a_reader_would(source: str, text: str):
    assert numbers(text, f"It has {source} of them.") == []


@pytest.mark.parametrize(
    ("source", "text", "quoted"),
    [
        ("494.8 million", "494.8万", "494.8万"),
        ("12.34 points", "12.4 points", "12.4"),
        ("12.34 points", "about 13 points", "13"),
        ("87%", "90%", "90%"),
        ("2.6 times", "3 times", "3"),
        ("400 English, 300 Chinese", "700", "700"),
        ("20-40% to 5%", "80%", "80%"),
        ("nothing", "1) one, 3) three", "3"),
        ("nothing", "(2) two", "2"),
        ("nothing", "in 2) cases", "2"),
    ],
)
def test_a_number_that_the_source_does_not_have_is_quoted(source: str, text: str, quoted: str):
    assert numbers(text, f"It has {source} of them.") == [quoted]


# Form


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("It returns images as requested, thus saving calls.", ""),
        ("1) 提出新方法；2) 给出证明；3) 开源代码。", ""),
        ("1. It is small, 2. it is fast.", ""),
        ("moltpage.com 上的智能体互相交谈。", "Agents of Moltpage: A Field Study"),
        ("Posts of moltpage.com are studied.", "Inside moltpage.com"),
    ],
)
def test_prose_that_resembles_talk_a_list_or_a_link_passes(text: str, title: str):
    assert list(form_faults("text", text, title)) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("As requested, the rest is left out.", "talk"),
        ("It is small. As requested, the rest is left out.", "talk"),
        ("1) 提出新方法。\n2) 给出证明。", "markup"),
        ("贡献如下\n1、提出新方法", "markup"),
        ("It is\n- small", "markup"),
        ("The code is on free-tokens.xyz now.", "link"),
        ("See moltpage.com/code for it.", "link"),
    ],
)
def test_talk_lists_by_lines_and_links_are_faults(text: str, rule: str):
    found = [fault.rule for fault in form_faults("text", text, "Agents of Moltpage")]
    assert found == [rule]
