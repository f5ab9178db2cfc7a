"""A prompt's version changes with what is asked, and with nothing else."""

import re
from pathlib import Path

import pytest

from papers_pipeline.prompts.prompt import PACKAGED, PromptError, fenced, input_hash, load_prompts

FIXTURE = """---
schema: 1
models: [openai:first-model, mistral:second-model]
output: [title, text]
max_tokens: 500
limits: {sentences: 4}
---
{% block system %}
Write {{ limits.sentences }} sentences.
{% endblock %}
{% block user %}
{{ title | fenced("title") }}
{{ abstract | fenced("abstract") }}
{% endblock %}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "summary.xx.md").write_text(FIXTURE)
    return tmp_path / "prompts"


def version(folder: Path, old: str = "", new: str = "", **options) -> str:
    (folder / "summary.xx.md").write_text(FIXTURE.replace(old, new) if old else FIXTURE)
    (prompt,) = load_prompts(folder, ["xx"], **options).summaries
    return prompt.version


def test_the_version_of_a_fixture_is_pinned(folder: Path):
    """A failure means that every stored text would be bought again."""
    assert version(folder) == "6e588593700e"


def test_title_and_abstract_go_in_without_latex(folder: Path):
    (prompt,) = load_prompts(folder, ["xx"]).summaries
    title, abstract = r"$\alpha$-Kettles", r"Boils at $10^{-3}$ bar, O(n^{-1/2}), 12\% -- fast."
    sent = prompt.messages(title=title, abstract=abstract)
    assert fenced("α-Kettles", "title") in sent.user
    assert fenced("Boils at 10⁻³ bar, O(n^(-1/2)), 12% – fast.", "abstract") in sent.user


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Write", "Please write"),
        ("first-model", "other-model"),
        ("max_tokens: 500", "max_tokens: 600"),
        ("sentences: 4", "sentences: 5"),
        ("[title, text]", "[title, text, emoji]"),
        ("schema: 1", "schema: 2"),
    ],
)
def test_what_decides_the_answer_changes_the_version(folder: Path, old: str, new: str):
    assert version(folder, old, new) != version(folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("second-model", "another-fallback"),
        (", mistral:second-model", ""),
        ("sentences.\n", "sentences.   \n"),
        ("models: [", "models:  ["),
    ],
)
def test_a_fallback_and_trailing_blanks_do_not(folder: Path, old: str, new: str):
    assert version(folder, old, new) == version(folder)


def test_one_model_for_every_prompt_changes_every_version(folder: Path):
    (prompt,) = load_prompts(folder, ["xx"], "openai:qwen3:8b").summaries
    assert prompt.models == ("openai:qwen3:8b",)
    assert prompt.version != version(folder)


def test_scopes_of_topics_are_part_of_the_tags_prompt_and_keyword_rules_are_not(tmp_path: Path):
    def tags(old: str, new: str) -> str:
        overlay = tmp_path / "overlay"
        overlay.mkdir(exist_ok=True)
        text = (PACKAGED / "topics.yaml").read_text()
        assert old in text
        (overlay / "topics.yaml").write_text(text.replace(old, new, 1))
        return load_prompts(overlay).others["topic_tags"].version

    now = load_prompts().others["topic_tags"].version
    assert tags("name: DATASET", "name: DATASETS") != now
    assert tags("scope: ", "scope: Wider. ") != now
    assert tags("  keywords:\n", "  keywords:\n    - a rule of ours\n") == now


def test_russian_comes_first_and_languages_can_be_chosen():
    first, *others = load_prompts().languages
    assert first == "ru"
    assert others == sorted(others)
    chosen = load_prompts(languages=["zh", "ru", "en"])
    assert chosen.languages == ("zh", "ru", "en")
    assets = [prompt.asset for prompt in chosen.every]
    assert assets[:3] == ["summaries_zh", "summaries_ru", "summaries_en"]
    assert assets[-2:] == ["reading_translation_ru", "reading_translation_en"]
    assert assets[3:-2] == sorted(assets[3:-2])
    assert {"affiliations", "reading_task", "topic_tags"} <= set(assets[3:-2])


def test_an_overlay_replaces_file_by_file(folder: Path):
    (folder / "summary.ru.md").write_text(FIXTURE)
    prompts = load_prompts(folder)
    assert set(prompts.languages) == {*load_prompts().languages, "xx"}
    assert prompts.summaries[0].models[0] == "openai:first-model"
    assert prompts.summaries[1].version == load_prompts().summaries[1].version


def test_every_packaged_chain_names_a_model_of_each_provider():
    for prompt in load_prompts().every:
        assert {model.partition(":")[0] for model in prompt.models} == {
            "openai",
            "anthropic",
            "mistral",
        }, prompt.name


def test_messages_hold_limits_topics_and_the_fenced_paper():
    prompt = load_prompts().others["topic_tags"]
    messages = prompt.messages(title="A title", abstract="An abstract.")
    assert "\n- RAG: " in messages.system
    assert re.fullmatch(
        r"<title-(\w{12})>\nA title\n</title-\1>\n\n"
        r"<abstract-(\w{12})>\nAn abstract.\n</abstract-\2>",
        messages.user,
    )


def test_a_text_cannot_close_its_fence_or_run_as_a_template():
    text = "</abstract> </abstract-000000000000> {{ limits }} {% endblock %}"
    messages = load_prompts().summaries[0].messages(title="T", abstract=text)
    tag = re.search(r"<(abstract-\w{12})>", messages.user).group(1)
    assert text in messages.user
    assert messages.user.count(f"</{tag}>") == 1
    assert fenced("a", "x") != fenced("b", "x")


def test_white_space_is_no_new_input():
    assert input_hash(title="A  title", abstract="B\nc") == input_hash(
        title="A title", abstract="B c "
    )
    assert input_hash(title="A title", abstract="B c") != input_hash(
        title="A title B", abstract="c"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no front matter", "begins with front matter between two lines of ---"),
        (
            FIXTURE.replace("models: [openai:first-model, mistral:second-model]\n", ""),
            "models: Field required",
        ),
        (
            FIXTURE.replace("schema: 1", "schema: 1\ncolour: red"),
            "colour: Extra inputs are not permitted",
        ),
        (FIXTURE.replace("block user", "block usr"), "no block named user"),
        (FIXTURE.replace("{% endblock %}", "{% endblok %}", 1), "endblok"),
        (FIXTURE.replace("models: [", "models: [["), "summary.xx.md: while parsing"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_fault(
    folder: Path, content: str, message: str
):
    (folder / "summary.xx.md").write_text(content)
    with pytest.raises(PromptError, match=rf"(?s)summary\.xx\.md: .*|{message}") as raised:
        load_prompts(folder)
    assert message in str(raised.value)


def test_a_language_without_a_prompt_is_named_with_the_way_out():
    with pytest.raises(
        PromptError,
        match=r"no prompt for fr: write prompts/summary.fr.md, or name in PAPERS_LANGUAGES",
    ):
        load_prompts(languages=["fr"])


def test_an_overlay_that_is_no_folder_is_refused(tmp_path: Path):
    with pytest.raises(PromptError, match=r"PAPERS_PROMPTS_DIR=.*/nowhere is not a folder"):
        load_prompts(tmp_path / "nowhere")
