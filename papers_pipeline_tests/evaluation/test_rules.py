"""The figures of answers, by rules and without a model."""

from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.enrichment.stages.notes import WrittenNotes
from papers_pipeline.enrichment.stages.summaries import WrittenSummary
from papers_pipeline.enrichment.stages.topic_tags import FiledTopics
from papers_pipeline.evaluation.answers import Answered
from papers_pipeline.evaluation.notes import evaluate_notes
from papers_pipeline.evaluation.report import Report
from papers_pipeline.evaluation.summaries import evaluate_summaries
from papers_pipeline.evaluation.topics import evaluate_topics, jaccard
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.records import NoteStatement
from papers_pipeline_tests.helpers.buying import STAGES

TITLE = "KettleNet: Warning Before the Whistle"
ABSTRACT = (
    "Whistling kettles warn too late. KettleNet predicts boiling from the first minute of sound of "
    "12 kettles. It reduces late warnings by 41% compared with a timer."
)
TRUE = (
    "Kettles whistle only when the water already boils. KettleNet listens to the first minute "
    "of sound. It learned from 12 kettles. Late warnings fall by 41% compared with a timer."
)
FALSE = (
    "Kettles whistle only when the water already boils. GPT-9 listens to the first minute "
    "of sound. It learned from 77 kettles. Warnings come in time more often than with a timer."
)


def summary(arxiv_id: str, text: str, **more: frozenset[str]) -> Answered:
    output = WrittenSummary(title="Kettles that warn early", text=text)
    return Answered(arxiv_id, TITLE, ABSTRACT, output, **more)


def values(report: Report) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in report.figures}


def test_a_true_text_has_the_number_and_the_name():
    report = evaluate_summaries(STAGES["summaries_en"], [summary("1", TRUE)], "now")
    found = values(report)
    assert (found["refused"], found["unverified"], found["style"]) == (0, 0, 0)
    assert (found["number_precision"], found["name_precision"]) == (1, 1)
    assert (found["headline_recall"], found["method_recall"]) == (1, 1)
    assert (found["texts"], found["sentences"]) == (1, 4)
    assert report.faults == {}


def test_an_invented_number_and_name_lower_the_precision():
    answers = [summary("1", TRUE), summary("2", FALSE)]
    report = evaluate_summaries(STAGES["summaries_en"], answers, "now")
    found = values(report)
    assert found["unverified"] == 0.5
    # 12 and 41% are in the abstract, 77 is not.
    assert found["number_precision"] == 2 / 3
    # KettleNet is, GPT-9 is not.
    assert found["name_precision"] == 1 / 2
    assert (found["headline_recall"], found["method_recall"]) == (0.5, 0.5)
    assert set(report.faults) == {"2"}
    quoted = {fault.rule: fault.quoted for fault in report.faults["2"]}
    assert quoted == {"number": "77", "name": "GPT-9"}
    assert report.by_rule() == {("unverified", "name"): 1, ("unverified", "number"): 1}


def test_calques_and_banned_phrases_are_counted_apart():
    def russian(arxiv_id: str, text: str) -> Answered:
        output = WrittenSummary(title="Чайники", text=text)
        return Answered(arxiv_id, "Kettles", "Reinforcement learning for 12 kettles.", output)

    answers = [
        russian("1", "Чайники кипятят воду. Их обучили усиленным обучением."),
        russian("2", "Мы обучили впечатляющий чайник. Он кипятит воду, а нам тепло."),
        russian("3", "Чайники кипятят воду. Их обучили с подкреплением."),
        russian("4", "Чайники кипятят воду. Она горячая, и чай заварен."),
    ]
    found = values(evaluate_summaries(STAGES["summaries_ru"], answers, "now"))
    assert (found["calques"], found["banned_phrases"]) == (1 / 4, 1 / 4)


def test_an_absent_title_is_no_fault():
    answer = summary("1", TRUE, absent=frozenset({"title"}))
    without = Answered(
        "1", TITLE, ABSTRACT, WrittenSummary(title="", text=TRUE), absent=answer.absent
    )
    report = evaluate_summaries(STAGES["summaries_en"], [without], "now")
    assert report.faults == {}
    assert values(report)["title_characters"] is None


def test_notes_are_measured_against_their_sections():
    stage = load_stages(load_prompts(notes_top=1))["notes_en"]

    def said(text: str) -> list[NoteStatement]:
        return [NoteStatement(text=text, section="2 Sound")]

    output = WrittenNotes(
        problem=said("Kettles whistle only when the water already boils."),
        method=said("KettleNet listens to the first minute of sound of 12 kettles."),
        evidence=said("It is 77% faster than a timer"),
        limitations=[],
        remember=said("The first minute of sound is enough."),
    )
    answer = Answered("1", TITLE, "", output, sections={"2 Sound": ABSTRACT})
    report = evaluate_notes(stage, [answer], "now")
    found = values(report)
    assert (found["texts"], found["refused"], found["repaired"], found["unverified"]) == (
        1,
        0,
        1,
        1,
    )
    # 12 is in the section, 77% is not.
    assert (found["number_precision"], found["name_precision"]) == (1 / 2, 1)
    assert (found["without_limitations"], found["statements"]) == (1, 4)
    assert {fault.quoted for fault in report.faults["1"]} == {"77%"}


def test_topics_are_compared_with_the_list_the_rules_and_the_labels():
    def filed(arxiv_id: str, *topics: str) -> Answered:
        output = FiledTopics.model_construct(topics=list(topics))
        return Answered(arxiv_id, "A Benchmark of Kettles", "We benchmark kettles.", output)

    answers = [filed("1", "BENCHMARK"), filed("2", "KETTLES", "RL"), filed("3")]
    labels = {"1": ["BENCHMARK", "DATASET"], "2": ["RL"]}
    report = evaluate_topics(STAGES["topic_tags"], answers, "now", labels)
    found = values(report)
    assert (found["invented"], found["mean"], found["without"]) == (1, 1, 1 / 3)
    assert found["refused"] == 1 / 3
    assert found["keyword_agreement"] == 1 / 3
    assert (found["precision"], found["recall"]) == (2 / 3, 2 / 3)
    assert report.scores is not None
    assert report.scores["DATASET"].recall == 0


def test_two_empty_sets_agree():
    assert jaccard(set(), set()) == 1
    assert jaccard({"a", "b"}, {"b", "c"}) == 1 / 3
