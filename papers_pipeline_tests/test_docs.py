"""What exists is documented, and what is documented exists."""

import re
import shlex
from pathlib import Path

import pytest

from papers_pipeline import definitions
from papers_pipeline.cli.main import main
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.settings import Settings, setting_names
from papers_pipeline_tests.audit import matrix
from papers_pipeline_tests.audit.impossible import IMPOSSIBLE

ROOT = Path(__file__).parents[1]
MODELS = matrix.GROUPS["Models"]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_setting_is_in_the_example_and_the_documentation_and_no_other():
    assert re.findall(r"^([A-Z_]+)=", text(".env.example"), re.M) == list(setting_names())
    assert re.findall(r"^\| `([A-Z_]+)`", text("docs/configuration.md"), re.M) == list(
        setting_names()
    )


def test_the_example_states_the_defaults():
    stated = dict(line.split("=", 1) for line in text(".env.example").splitlines() if "=" in line)
    for field in Settings.model_fields.values():
        default = "" if field.default in (None, ()) else str(field.default)
        assert stated[str(field.validation_alias)] == default


def test_every_asset_and_job_is_in_the_architecture(monkeypatch):
    monkeypatch.setenv("PAPERS_NOTES_TOP", "1")
    defs = definitions.load()
    documented = text("docs/architecture.md")
    languages = "|".join(load_prompts().languages)
    for key in defs.resolve_asset_graph().get_all_asset_keys():
        asset = re.sub(f"_({languages})$", "_<language>", key.to_user_string())
        assert f"`{asset}`" in documented
    for job in defs.resolve_all_job_defs():
        if not job.name.startswith("__"):
            assert f"`{job.name}`" in documented


def test_every_command_is_in_the_readme():
    for command in main.commands:
        assert f"papers {command}" in text("README.md")


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", text("Makefile"), re.M))
    named = re.findall(r"^make ([a-z0-9-]+)", text("README.md"), re.M)
    assert set(named) <= targets
    assert "demo" in named


def test_every_schedule_sensor_and_check_is_in_the_operators_guide():
    defs = definitions.load()
    repository = defs.get_repository_def()
    guide = text("docs/operating.md")
    for automation in (*repository.schedule_defs, *repository.sensor_defs):
        assert f"`{automation.name}`" in guide
    for key in defs.resolve_asset_graph().asset_check_keys:
        assert f"`{key.name}`" in guide


def test_every_command_of_the_operators_guide_is_called_by_a_test():
    tests = "".join(
        path.read_text(encoding="utf-8") for path in Path(__file__).parent.rglob("test_*.py")
    )
    calls = re.findall(r"(?:papers\(|PAPERS,|main, )([^)\]]*)", tests)
    called = [set(re.findall(r'"([^"]+)"', arguments)) for arguments in calls]
    commands = {*main.commands, *main.commands["prompts"].commands}
    for line in set(re.findall(r"`papers ([^`]+)`", text("docs/operating.md"))):
        given = {word for word in shlex.split(line) if word in commands or word.startswith("--")}
        assert any(given <= words for words in called), line


BY_ITS_MUTATION = {"Re-execute from failure": "reexecutePartitionBackfill"}
"""Buttons that no test presses: what they send to the webserver is sent instead."""


def test_every_button_of_the_operators_guide_is_looked_for_by_a_browser_test_or_its_mutation_sent():
    tests = text("papers_pipeline_tests/e2e/test_dagster.py")
    for button in re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", text("docs/operating.md")):
        sent = BY_ITS_MUTATION.get(button)
        assert (
            sent in tests if sent else re.search(rf'(name=|has_text=|_text\()"{button}\b', tests)
        ), button


def test_every_prompt_is_documented():
    for prompt in load_prompts(notes_top=1).every:
        name = f"{prompt.kind}.<language>" if prompt.language else prompt.name
        assert f"`{name}.md`" in text("docs/prompts.md")


def test_every_picture_of_the_documentation_exists():
    for path in (ROOT / "docs").glob("*.md"):
        for picture in re.findall(r"!\[[^]]*]\(([^)]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / picture).is_file(), picture


@pytest.mark.parametrize("page", ["docs/reliability.md", "docs/security.md"])
def test_every_test_that_shows_a_promise_exists(page: str):
    shown = re.findall(r"`([a-z_/0-9]+\.py)`: `(test_\w+)`", text(page))
    assert shown
    for module, test in shown:
        assert f"def {test}(" in text(f"papers_pipeline_tests/{module}"), test


def test_the_fault_matrix_is_what_the_tests_assert():
    document = text("docs/reliability.md")
    assert matrix.written(document) == document, f"run {matrix.COMMAND}"


def test_no_cell_of_the_fault_matrix_is_empty():
    """Each is asserted by a test, or cannot happen for a reason, and not both."""
    asserted = {(cell.party, cell.fault) for cell in matrix.cells()}
    impossible = []
    for party, reasons in IMPOSSIBLE.items():
        for faults in reasons.values():
            impossible += [(party, fault) for fault in faults]
    expected = {(party, fault) for party in matrix.PARTIES for fault in matrix.FAULTS}
    of_models = {(party, fault) for party in MODELS for fault in matrix.EXTRA_FAULTS}
    assert len(set(impossible)) == len(impossible)
    assert asserted & set(impossible) == set()
    assert asserted | set(impossible) == expected | of_models


def test_what_the_fault_matrix_quotes_is_asserted():
    for cell in matrix.cells():
        assert cell.is_asserted, f"{cell.test} does not assert {cell.told!r}"
