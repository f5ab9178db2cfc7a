"""The lineage, and that every asset keeps the house rules."""

import inspect

import dagster as dg

from papers_pipeline import definitions
from papers_pipeline.defs.executor import threads_executor
from papers_pipeline.defs.partitions import DAILY, MONTHLY, WEEKLY
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.runs import SITE_ASSETS
from papers_pipeline_tests.helpers.outside import LANGUAGES, READ, READING, TRANSLATIONS, WRITTEN

LINEAGE = {
    "feed_response": set(),
    "feed_listing": {"feed_response"},
    "paper_votes": {"feed_response"},
    "paper_pdfs": {"feed_listing"},
    "parsed_text": {"paper_pdfs"},
    "figures": {"feed_listing"},
    **{name: {"feed_listing", "parsed_text"} for name in READ},
    **{name: {"feed_listing"} for name in WRITTEN},
    "reading_task": {"feed_listing"},
    **{name: {"reading_task"} for name in TRANSLATIONS},
    "daily_issue": {
        *("feed_listing", "paper_votes", "parsed_text", "figures"),
        *READ,
        *WRITTEN,
        *READING,
    },
    "related_papers": {"feed_listing"},
    "daily_pages": {"daily_issue", "related_papers"},
    "monthly_pages": {"daily_issue"},
    "weekly_pages": {"daily_issue"},
    "site_index": {"daily_issue"},
    "search_index": {"daily_pages", "site_index"},
    "refresh_plan": set(),
}
PARTITIONS = {
    "monthly_pages": MONTHLY,
    "weekly_pages": WEEKLY,
    "site_index": None,
    "search_index": None,
    "refresh_plan": None,
}


def graph():
    return definitions.load().resolve_asset_graph()


def test_the_lineage_is_as_drawn():
    assert "affiliations" in READ
    assert {"summaries_ru", "topic_tags"} <= set(WRITTEN)
    nodes = {node.key.to_user_string(): node for node in graph().asset_nodes}
    lineage = {}
    for name, node in nodes.items():
        lineage[name] = {key.to_user_string() for key in node.parent_keys}
    assert lineage == LINEAGE


def test_notes_are_assets_only_if_they_are_switched_on(monkeypatch):
    notes = {f"notes_{language}" for language in LANGUAGES}
    monkeypatch.setenv("PAPERS_NOTES_TOP", "3")
    nodes = {node.key.to_user_string(): node for node in graph().asset_nodes}
    assert nodes.keys() == LINEAGE.keys() | notes
    parents = {name: {key.to_user_string() for key in nodes[name].parent_keys} for name in nodes}
    assert parents["daily_issue"] == LINEAGE["daily_issue"] | notes
    for name in notes:
        assert parents[name] == {"feed_listing", "parsed_text"}
        assert nodes[name].description.startswith("Notes on the full text")


def test_days_months_weeks_and_the_site_have_separate_jobs():
    nodes = {
        job.name: {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
        for job in definitions.load().resolve_all_job_defs()
        if not job.name.startswith("__")
    }
    assert {name: assets for name, assets in nodes.items() if assets} == {
        "build_day": LINEAGE.keys() - {*SITE_ASSETS, "refresh_plan"},
        "build_month": {"monthly_pages"},
        "build_week": {"weekly_pages"},
        "build_site": {"site_index", "search_index"},
    }


def test_every_asset_is_grouped_described_owned_and_versioned():
    for node in graph().asset_nodes:
        assert node.group_name in {"feed", "documents", "enrichment", "site", "operations"}
        assert node.description
        assert node.owners == ["team:papers"]
        assert node.kinds
        assert node.code_version
        assert node.partitions_def == PARTITIONS.get(node.key.to_user_string(), DAILY)


def test_every_asset_goes_through_the_one_helper_that_gives_data_versions():
    for node in graph().asset_nodes:
        body = node.assets_def.op.compute_fn.decorated_fn
        assert inspect.unwrap(body) is not body, node.key
        assert body.__code__.co_filename.endswith("defs/tables.py"), node.key


def test_the_code_version_of_an_enrichment_is_its_prompts():
    nodes = {node.key.to_user_string(): node for node in graph().asset_nodes}
    for prompt in load_prompts().every:
        assert nodes[prompt.asset].code_version == prompt.version


def test_the_definitions_load_and_the_steps_of_a_run_share_a_process():
    defs = definitions.load()
    dg.Definitions.validate_loadable(defs)
    assert defs.executor == threads_executor
