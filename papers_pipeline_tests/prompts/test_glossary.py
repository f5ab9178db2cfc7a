"""A glossary shows a prompt the terms of its paper, and finds what is never written."""

from pathlib import Path

import pytest

from papers_pipeline.enrichment.terms_check import term_faults
from papers_pipeline.prompts.glossary import Term, load_glossary, named_in
from papers_pipeline.prompts.prompt import PACKAGED, Prompt, PromptError, load_prompts

GLOSSARIES = {prompt.language: prompt.glossary for prompt in load_prompts().summaries}
SOURCE = (
    "Pouring Agents. We distill a teacher into a student by reinforcement learning, prompt it "
    "with few-shot tokens and ablate the reward model."
)


def rules(language: str, text: str, source: str = SOURCE) -> list[tuple[str, str]]:
    """The rule and the first quoted form of each fault."""
    faults = list(term_faults(GLOSSARIES[language], text, source))
    assert {fault.severity for fault in faults} <= {"style"}
    return [(fault.rule, fault.quoted) for fault in faults]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Агента учат усиленным обучением.", [("calque", "усиленным обучением")]),
        ("Здесь нужно Усиленное обучение.", [("calque", "Усиленное обучение")]),
        ("Знания получают студенты.", [("calque", "студенты")]),
        ("Студентом служит малая сеть.", [("calque", "Студентом")]),
        ("Точность промтов растёт.", [("calque", "промтов")]),
        ("Это впечатляющего качества чайник.", [("praise", "впечатляющего")]),
        ("Мы учим чайник.", [("self", "Мы")]),
        ("Нашей целью был чайник.", [("self", "Нашей")]),
        ("В данной статье кипит чайник.", [("self", "данной статье")]),
        ("Чайник 🚀 кипит.", [("worn_emoji", "🚀")]),
        ("Авторы нашли чайник, модель, выдающую ответ, и умыли руки.", []),
        ("Модель-ученик учится с подкреплением на промптах; данные открыты.", []),
        ("На данных работает подсказка; для данного чайника политика проста.", []),
    ],
)
def test_russian_forms_are_found_in_every_case(text: str, found: list[tuple[str, str]]):
    assert rules("ru", text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("作者训练智能代理倒茶。", [("calque", "智能代理")]),
        ("每个令牌都要付费。", [("calque", "令牌")]),
        ("本文提出一种水壶。", [("self", "本文")]),
        ("结果显著提升。", [("praise", "显著提升")]),
        ("作者用 12 个词元训练智能体。", []),
        ("样本文件应该研究代理指标，访问令牌不算。", []),
    ],
)
def test_chinese_forms_are_found_inside_a_sentence(text: str, found: list[tuple[str, str]]):
    assert rules("zh", text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A groundbreaking kettle.", [("praise", "groundbreaking")]),
        ("A State of the Art kettle.", [("praise", "State of the Art")]),
        ("In this paper the kettle boils.", [("self", "this paper")]),
        ("We boil a kettle.", [("self", "We")]),
        ("The authors delved into kettles.", [("cliche", "delved")]),
        ("It leverages steam.", [("cliche", "leverages")]),
        ("Boilcast writes novels about the US, and wells are west of it.", []),
        ("DelveAgent is statistically significantly better than state-of-the-art methods.", []),
        ("It halves the cost without significantly degrading accuracy.", []),
    ],
)
def test_english_praise_and_stock_phrases_are_found(text: str, found: list[tuple[str, str]]):
    assert rules("en", text) == found


def test_a_term_is_checked_only_if_the_paper_is_about_it():
    exam = "Students of 12 schools and their teacher sit an exam by themselves."
    assert rules("ru", "Студенты сдают экзамен преподавателю.", exam) == []
    assert rules("ru", "Студенты учат токены, а маркеры нет.", "A student counts apples.") == []


def test_a_fault_says_what_to_write():
    (calque,) = term_faults(GLOSSARIES["ru"], "Усиленное обучение.", SOURCE)
    assert calque.message == (
        'Write "обучение с подкреплением" for "reinforcement learning", not "Усиленное обучение".'
    )
    (praise,) = term_faults(GLOSSARIES["en"], "An unprecedented, groundbreaking kettle.", SOURCE)
    assert praise.message == (
        'Do not write "groundbreaking", "unprecedented". '
        "It is praise. Leave it out, or give the number."
    )


def test_the_prompt_shows_the_terms_of_the_paper_and_no_others():
    (prompt,) = load_prompts(languages=["ru"]).summaries
    user = prompt.messages(title="Pouring", abstract=SOURCE).user
    assert "\n- reinforcement learning: обучение с подкреплением\n" in user
    assert "\n- student: модель-ученик\n" in user
    assert "трансформер" not in user
    assert "Термины" not in prompt.messages(title="Kettles", abstract="Kettles boil.").user


@pytest.mark.parametrize("language", GLOSSARIES)
def test_no_glossary_forbids_what_it_tells_to_write(language: str):
    for term in GLOSSARIES[language]:
        source = f"{term.term.replace('*', '')} {' '.join(term.beside).replace('*', '')}"
        assert term.concerns(source)
        assert list(term_faults(GLOSSARIES[language], term.write, source)) == [], term


def test_terms_match_plurals_hyphens_and_stems():
    term = Term(term="world model", write="модель мира")
    assert named_in([term], "Two World-Models") == [term]
    assert named_in([term], "A model of the world, worldly models") == []
    assert named_in([Term(term="distil*", write="x")], "We distilled it.") != []


def overlaid(tmp_path: Path, glossary: str) -> Prompt:
    (tmp_path / "terms.ru.yaml").write_text(glossary, encoding="utf-8")
    (prompt,) = load_prompts(tmp_path, ["ru"]).summaries
    return prompt


def test_terms_are_part_of_their_own_languages_version_and_bans_are_not(tmp_path: Path):
    packaged = (PACKAGED / "terms.ru.yaml").read_text(encoding="utf-8")
    before = load_prompts()
    assert overlaid(tmp_path, packaged).version == before.summaries[0].version
    ban = "- {rule: praise, never: [чайник*], advice: No kettles.}\n"
    assert overlaid(tmp_path, packaged + ban).version == before.summaries[0].version
    term = "- {term: kettle, write: чайник}\n"
    assert overlaid(tmp_path, packaged + term).version != before.summaries[0].version
    after = load_prompts(tmp_path)
    assert [prompt.version for prompt in after.every[1:]] == [
        prompt.version for prompt in before.every[1:]
    ]


def test_a_prompt_that_shows_no_terms_keeps_its_version(tmp_path: Path):
    text = (PACKAGED / "summary.ru.md").read_text(encoding="utf-8")
    start, end = text.index("{% for term"), text.rindex("{% endblock %}")
    (tmp_path / "summary.ru.md").write_text(text[:start] + text[end:], encoding="utf-8")
    without = overlaid(tmp_path, "[]").version
    assert overlaid(tmp_path, "- {term: kettle, write: чайник}").version == without


def test_a_language_without_a_glossary_has_no_terms(tmp_path: Path):
    text = (PACKAGED / "summary.en.md").read_text(encoding="utf-8")
    (tmp_path / "summary.es.md").write_text(text, encoding="utf-8")
    (prompt,) = load_prompts(tmp_path, ["es"]).summaries
    assert prompt.glossary == ()
    assert prompt.messages(title="T", abstract=SOURCE).user.endswith(">")


@pytest.mark.parametrize(
    ("glossary", "message"),
    [
        ("- {term: [}", "terms.ru.yaml: not YAML"),
        ("term: agent", "terms.ru.yaml: expected a list of terms, found dict"),
        ("- {term: agent}", "terms.ru.yaml: entry 1 (agent): write: say how the term is written"),
        ("- {term: agent, write: агент, nevr: [x]}", "entry 1 (agent): nevr: Extra inputs"),
        ("- {rule: praise, never: [x]}", "entry 1 (praise): an entry without a term needs never"),
        ("- {term: agent, write: агент, never: ['*']}", "entry 1 (agent): '*' matches anything"),
        (
            "- {term: agent, write: агент}\n- {term: agent, write: агенты}",
            "terms.ru.yaml: the term 'agent' is listed 2 times",
        ),
    ],
)
def test_an_unusable_glossary_is_named_with_its_entry(tmp_path: Path, glossary: str, message: str):
    with pytest.raises(PromptError) as error:
        overlaid(tmp_path, glossary)
    assert message in str(error.value)


def test_an_empty_glossary_is_a_glossary():
    assert load_glossary("[]") == ()
