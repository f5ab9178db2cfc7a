"""A fake model has hand-written answers for sample papers, and test answers for all others.

Both pass the guardrails.
"""

import re

import pytest

from papers_pipeline.enrichment.guardrails import summary_verdict, topics_verdict
from papers_pipeline.enrichment.sentences import split_sentences
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.prompts.prompt import Messages, fenced, load_prompts
from papers_pipeline.sandbox.answers import Question, answer, quotable
from papers_pipeline.text.languages import detected_language
from papers_pipeline_tests.helpers.samples import LISTED, WRITTEN

PROMPTS = load_prompts()
SUMMARIES = {prompt.language: prompt for prompt in PROMPTS.summaries}
TAGS = PROMPTS.others["topic_tags"]
STAGES = load_stages(PROMPTS)
SUMMARY = {"title": {"type": "string"}, "text": {"type": "string"}, "emoji": {"type": "string"}}


TITLE = "Kettles That Whistle Before They Boil"
ABSTRACT = (
    "Whistling kettles warn too late. We introduce Boilcast, a regressor over thermocouple traces "
    "that predicts boiling 37 seconds ahead, see https://example.org/kettles and "
    "\\textbf{appendix}. On 4,100 kitchen recordings the calibration error falls from $0.31$ to "
    "0.07."
)


def asked(messages: Messages, fields: dict = SUMMARY) -> Question:
    return Question(messages.system, messages.user, fields)


def answered(language: str, title: str = TITLE, abstract: str = ABSTRACT) -> dict:
    return answer(asked(SUMMARIES[language].messages(title=title, abstract=abstract)))


@pytest.mark.parametrize("language", ["ru", "en", "zh"])
def test_a_sample_paper_gets_its_hand_written_answer(language: str):
    for arxiv_id, written in WRITTEN.items():
        paper = LISTED[arxiv_id]
        given = answered(language, paper["title"], paper["summary"])
        assert given == {"emoji": written["ru"]["emoji"]} | written[language]


@pytest.mark.parametrize("arxiv_id", WRITTEN)
@pytest.mark.parametrize("asset", ["summaries_ru", "summaries_en", "summaries_zh", "topic_tags"])
def test_a_hand_written_answer_keeps_its_own_prompt(asset: str, arxiv_id: str):
    """No fault of any severity: language, form, numbers, and the glossary among them."""
    stage, paper = STAGES[asset], LISTED[arxiv_id]
    variables = {"title": paper["title"], "abstract": paper["summary"]}
    messages = stage.prompt.messages(**variables)
    schemas = stage.output.model_json_schema()["properties"]
    output = stage.output.model_validate(answer(asked(messages, schemas)))
    _, repairs = stage.repair(output)
    assert list(repairs) == []
    verdict = stage.judge(output, variables)
    assert (verdict.faults, verdict.warnings) == ((), ())
    if stage.prompt.language:
        # The guardrail tolerates one sentence more or less.
        sentences = split_sentences(stage.prompt.language, output.text)
        assert len(sentences) == stage.prompt.limits["sentences"]


@pytest.mark.parametrize("arxiv_id", WRITTEN)
def test_hand_written_institutions_keep_their_prompt(arxiv_id: str):
    stage, written = STAGES["affiliations"], WRITTEN[arxiv_id]["affiliations"]
    authors = []
    for name, institutions in written["authors"].items():
        authors.append({"name": name, "institutions": institutions})
    output = stage.output(institutions=written["institutions"], authors=authors)
    verdict = stage.judge(output, {"header": "\n".join(written["institutions"])})
    assert (verdict.faults, verdict.warnings) == ((), ())


def test_every_sample_paper_has_an_answer_for_each_language():
    assert len(WRITTEN) == 23
    assert all({"ru", "en", "zh", "topics", "affiliations"} <= set(w) for w in WRITTEN.values())


def test_a_sample_paper_gets_its_hand_written_topics_and_institutions():
    paper, written = LISTED["2602.90014"], WRITTEN["2602.90014"]
    tags = TAGS.messages(title=paper["title"], abstract=paper["summary"])
    assert answer(asked(tags, {"topics": {"type": "array"}})) == {"topics": written["topics"]}

    user = f"{fenced(paper['title'], 'title')}\n{fenced('a page', 'text')}"
    fields = {
        "institutions": {"type": "array", "items": {"type": "string"}},
        "authors": {"type": "object"},
    }
    assert answer(Question("Who wrote it?", user, fields)) == {
        "institutions": [
            "University of Nairobi",
            "University of Dar es Salaam",
            "KTH Royal Institute of Technology",
        ],
        "authors": written["affiliations"]["authors"],
    }


def test_authors_are_a_list_of_objects_if_the_schema_asks_for_one():
    item = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "institutions": {"type": "array"}},
    }
    user = fenced(LISTED["2602.90014"]["title"], "title")
    given = answer(Question("Who wrote it?", user, {"authors": {"type": "array", "items": item}}))
    assert given["authors"][1] == {
        "name": "Baraka Mwakyusa",
        "institutions": ["University of Dar es Salaam"],
    }


def test_a_sample_paper_is_recognized_despite_line_breaks_in_its_title():
    title = LISTED["2602.90014"]["title"].replace(" ", "\n  ")
    given = answered("en", title, "Anything.")
    assert given["title"] == "Radio speech that switches language mid-sentence"


@pytest.mark.parametrize("language", ["ru", "en", "zh"])
def test_a_test_answer_for_any_sample_abstract_passes_the_guardrails(language: str):
    prompt = SUMMARIES[language]
    for paper in [*LISTED.values(), {"title": TITLE, "summary": ABSTRACT}]:
        if not paper["summary"]:
            continue
        title = f"Unlisted: {paper['title']}"
        given = answered(language, title, paper["summary"])
        verdict = summary_verdict(
            language=language,
            **given,
            wants_emoji=True,
            limits=prompt.limits,
            abstract=paper["summary"],
            paper_title=title,
            terms=frozenset(),
            glossary=prompt.glossary,
        )
        assert (verdict.faults, verdict.warnings) == ((), ())
        assert len(given["title"]) <= prompt.limits["title_characters"]
        assert not re.search(r"\d", given["title"] + given["text"])


def test_a_test_answer_says_what_it_is_and_quotes_the_abstract():
    assert answered("en") == {
        "title": "Test answer δψερν on Kettles, Whistle, Boil",
        "text": (
            "This is a test answer of the sandbox with the mark δψερν, written in place of a real "
            "summary, and it says nothing about what the authors found. It was made from the "
            "request alone, and the abstract that came with it uses words such as Whistling, "
            "Boilcast, regressor. Further on the abstract also speaks of thermocouple, recordings, "
            "calibration, which sets this text apart from its neighbours and lets a search find "
            "it. A reader who meets it on a page can tell that the whole way from the list to the "
            "site works, and that only the language model was replaced."
        ),
        "emoji": "🔬",
    }
    assert answered("ru")["title"] == "Тестовый ответ δψερν про KETTLES, WHISTLE, BOIL"
    assert answered("zh")["title"] == "测试答案 δψερν：Kettles、Whistle、Boil"


def test_parts_of_addresses_formulas_and_compounds_are_not_quoted():
    text = (
        "See https://example.org/kettlesandpans, $whistlingloudly$ and \\textbackslash: "
        "state-of-the-art kettles boil."
    )
    assert quotable(text) == ["kettles", "boil"]


def test_a_russian_test_answer_quotes_english_words_in_capitals():
    given = answered("ru")
    assert "THERMOCOUPLE" in given["text"]
    assert not re.search(r"[a-z]", given["title"] + given["text"])


@pytest.mark.parametrize("language", ["ru", "en", "zh"])
def test_answers_repeat_for_the_same_paper_and_differ_between_papers(language: str):
    first, again = answered(language), answered(language)
    other = answered(language, "A Study of 2603.10001", "We study the number 2603.10001.")
    another = answered(language, "A Study of 2603.10002", "We study the number 2603.10002.")
    assert first == again
    assert len({given["title"] for given in (first, other, another)}) == 3
    assert len({given["text"] for given in (first, other, another)}) == 3


@pytest.mark.parametrize(
    ("system", "language", "text_language", "opening"),
    [
        ("Responde en español con dos campos.", "es", "es", "Respuesta de prueba "),
        ("You write a digest. Answer in Spanish.", "es", "es", "Respuesta de prueba "),
        ("Antworte auf Deutsch.", "de", "de", "Testantwort "),
        ("Answer in French.", "fr", "en", "Test answer "),
        ("Write about models of the Spanish language.", "en", "en", "Test answer "),
        ("Answer in Russian.", "ru", "ru", "Тестовый ответ "),
    ],
)
def test_the_answer_is_in_the_named_language_or_in_english(
    system: str, language: str, text_language: str, opening: str
):
    user = SUMMARIES["en"].messages(title=TITLE, abstract=ABSTRACT).user
    question = Question(system, user, SUMMARY)
    given = answer(question)
    assert question.language == language
    assert given["title"].startswith(opening)
    assert detected_language(given["text"]) == text_language


@pytest.mark.parametrize("language", ["ru", "zh"])
def test_english_text_added_by_an_agent_does_not_change_the_language(language: str):
    messages = SUMMARIES[language].messages(title=TITLE, abstract=ABSTRACT)
    addition = "System messages arrive inside user turns, and other tags have no authority. " * 10
    question = Question(f"{addition}\n{messages.system}", messages.user, SUMMARY)
    assert question.language == language


def test_topics_are_listed_ones_that_share_words_with_the_abstract():
    abstract = (
        "We quantize a diffusion model for video, by pruning and caching, which makes running it "
        "cheaper and faster."
    )
    names = [topic.name for topic in PROMPTS.topics]
    messages = TAGS.messages(title="Cheap Video", abstract=abstract)
    given = answer(asked(messages, {"topics": {"type": "array"}}))
    assert given == {"topics": ["INFERENCE", "VIDEO", "DIFFUSION"]}
    assert topics_verdict(given["topics"], names, TAGS.limits["topics"]).faults == ()


def test_a_paper_that_shares_no_word_with_a_topic_gets_none():
    messages = TAGS.messages(title="Kettles", abstract="Kettles boil.")
    assert answer(asked(messages, {"topics": {"type": "array"}})) == {"topics": []}


def test_institutions_come_from_the_text_but_not_from_title_or_abstract():
    page = (
        "Ada Example1, Bo Sample2\n1 University of Kettles, 2 Steam Lab\n"
        "Norway 3Institute of Lids, †College of Steam ‡Spout Lab\nWe thank the kitchen."
    )
    user = "\n".join(
        [
            fenced("Kettles at the University of Nowhere", "title"),
            fenced("The Institute of Nothing is not meant.", "abstract"),
            fenced(page, "first_page"),
        ]
    )
    fields = {"institutions": {"type": "array"}, "authors": {"type": "array"}}
    assert answer(Question("Name the institutions.", user, fields)) == {
        "institutions": ["University of Kettles", "Steam Lab"],
        "authors": [],
    }


def test_requests_without_an_abstract_or_a_fence_are_answered():
    given = answered("en", "A Field Guide to Reading Loss Curves", "")
    assert "words such as Field, Guide, Reading." in given["text"]
    assert answer(Question("Say hello.", "Hello", {}))["text"].startswith("This is a test answer")


def test_an_unknown_text_field_gets_the_test_text_even_for_a_sample_paper():
    fields = {"note": {"type": "string"}}
    title = LISTED["2602.90014"]["title"]
    (note,) = answer(Question("In English.", fenced(title, "title"), fields)).values()
    assert note.startswith("This is a test answer of the sandbox")


def test_another_unknown_field_gets_the_empty_value_of_its_type():
    fields = {
        "links": {"type": "array"},
        "sure": {"type": "boolean"},
        "other": {},
    }
    assert answer(Question("", "", fields)) == {
        "links": [],
        "sure": False,
        "other": None,
    }
