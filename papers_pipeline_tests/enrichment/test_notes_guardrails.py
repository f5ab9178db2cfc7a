"""Notes on a full text pass if they say what its sections say, each with its section."""

from collections.abc import Sequence

import pytest

from papers_pipeline.base.faults import Fault
from papers_pipeline.enrichment.notes_guardrails import notes_verdict
from papers_pipeline.prompts.glossary import Term
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.records import NoteStatement

SECTIONS = {
    "1 Introduction": "Whistling kettles warn too late, and nobody hears them boil over.",
    "2 Method": (
        "Boilcast, a regressor with 12M parameters, reads a thermocouple 50 times a second. It was "
        "pretrained with Reinforcement Learning from Human Feedback."
    ),
    "3 Experiments": (
        "On 4,100 recordings Boilcast warns 37 seconds ahead, and GPT-5.2 warns 9 seconds ahead. "
        "The calibration error falls from 0.31 to 0.07."
    ),
    "4 Limitations": "All kettles came from one kitchen.",
}
ENGLISH = {
    "problem": ("A kettle whistles only once it boils over.", "1 Introduction"),
    "method": ("Boilcast reads a thermocouple 50 times a second.", "2 Method"),
    "evidence": (
        "On 4,100 recordings Boilcast warns 37 seconds ahead, and GPT-5.2 only 9 seconds.",
        "3 Experiments",
    ),
    "limitations": ("All kettles came from one kitchen.", "4 Limitations"),
    "remember": ("A cheap thermocouple hears the boiling before the whistle does.", "2 Method"),
}
RUSSIAN = {
    "problem": ("Чайник свистит, только когда вода уже льётся через край.", "1 Introduction"),
    "method": ("Boilcast снимает показания термопары 50 раз в секунду.", "2 Method"),
    "evidence": (
        "На 4100 записях Boilcast предупреждает за 37 секунд, а GPT-5.2 лишь за 9. Ошибка "
        "калибровки упала с 0,31 до 0,07.",
        "3 Experiments",
    ),
    "limitations": ("Все чайники с одной кухни.", "4 Limitations"),
    "remember": ("Дешёвая термопара слышит кипение раньше свистка.", "2 Method"),
}
CHINESE = {
    "problem": ("水壶要等水烧开溢出才会响，人们来不及反应。", "1 Introduction"),
    "method": ("Boilcast 每秒读取热电偶 50 次。", "2 Method"),
    "evidence": (
        "在 4,100 段录音上，Boilcast 提前 37 秒报警，GPT-5.2 只提前 9 秒。",
        "3 Experiments",
    ),
    "limitations": ("所有水壶都来自同一间厨房。", "4 Limitations"),
    "remember": ("便宜的热电偶比哨声更早听到水开。", "2 Method"),
}
LIMITS = {"statements": 3, "characters": 200}


def faults(
    notes: dict,
    language: str = "en",
    glossary: Sequence[Term] = (),
    **changes: list[tuple[str, str]],
) -> list[Fault]:
    parts = {}
    for name, written in notes.items():
        given = changes.get(name, [written])
        parts[name] = [NoteStatement(text=text, section=section) for text, section in given]
    verdict = notes_verdict(
        parts,
        language=language,
        paper_title="Boilcast: Kettles That Warn",
        sections=SECTIONS,
        limits=LIMITS,
        terms=frozenset(),
        glossary=glossary,
    )
    assert verdict.warnings == ()
    return list(verdict.faults)


def rules(*given, **changes) -> list[tuple[str, str]]:
    return [(fault.rule, fault.severity) for fault in faults(*given, **changes)]


@pytest.mark.parametrize(("notes", "language"), [(ENGLISH, "en"), (RUSSIAN, "ru"), (CHINESE, "zh")])
def test_good_notes_pass(notes: dict, language: str):
    assert faults(notes, language) == []


def test_a_section_that_the_paper_does_not_have_is_fatal_and_answered_with_its_headings():
    (fault,) = faults(ENGLISH, remember=[("Thermocouples hear boiling first.", "5 Ablations")])
    assert (fault.rule, fault.severity) == ("section", "fatal")
    assert 'statement 1 of remember names the section "5 Ablations"' in fault.message
    assert '"1 Introduction", "2 Method", "3 Experiments", "4 Limitations"' in fault.message


def test_only_limitations_may_be_empty():
    assert rules(ENGLISH, limitations=[]) == []
    assert rules(ENGLISH, evidence=[]) == [("empty", "fatal")]
    assert rules(ENGLISH, evidence=[(" ", "3 Experiments")]) == [("empty", "fatal")]


@pytest.mark.parametrize(
    ("text", "rule", "quoted"),
    [
        ("Boilcast warns 73 seconds ahead.", "number", "73"),
        ("Boilcast warns 37 seconds ahead, and GPT-4.5 only 9.", "name", "GPT-4.5"),
    ],
)
def test_a_number_or_name_that_no_section_has_is_unverified(text: str, rule: str, quoted: str):
    (fault,) = faults(ENGLISH, evidence=[(text, "3 Experiments")])
    assert (fault.rule, fault.severity, fault.quoted) == (rule, "unverified", quoted)
    assert "none of the sections" in fault.message


def test_the_glossary_holds_for_notes_too():
    glossary = load_prompts().summaries[0].glossary
    assert load_prompts(notes_top=1).notes[0].glossary == glossary
    text = "Мы ставим термопару на крышку."
    (fault,) = faults(RUSSIAN, "ru", glossary, method=[(text, "2 Method")])
    assert (fault.rule, fault.severity, fault.quoted) == ("self", "style", "Мы")
    text = "Термопара на крышке различает «мы» и «наш» по звуку."
    assert faults(RUSSIAN, "ru", glossary, method=[(text, "2 Method")]) == []


def test_a_russian_run_of_english_words_is_kept_if_a_section_has_it():
    text = "Модель дообучена по схеме Reinforcement Learning from Human Feedback."
    assert faults(RUSSIAN, "ru", method=[(text, "2 Method")]) == []
    text = "Модель делает prediction по термопаре."
    assert rules(RUSSIAN, "ru", method=[(text, "2 Method")]) == [("stranger_words", "style")]


def test_another_language_and_markup_are_fatal():
    assert ("language", "fatal") in rules(ENGLISH, "ru")
    marked = [("**Boilcast** reads a thermocouple.", "2 Method")]
    assert rules(ENGLISH, method=marked) == [("markup", "fatal")]


def test_too_many_and_too_long_statements_are_faults_of_style():
    one = ENGLISH["method"]
    assert rules(ENGLISH, method=[one] * 4) == [("statements", "style")]
    long = [("Boilcast reads a thermocouple in the kettle. " * 8, "2 Method")]
    assert rules(ENGLISH, method=long) == [("length", "style")]


def test_an_endless_answer_is_refused_before_it_is_read():
    assert rules(ENGLISH, method=[("Kettles boil. " * 700, "2 Method")]) == [("endless", "fatal")]
