"""The day joined into its public record."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.defs.checks import day_check, list_state
from papers_pipeline.defs.partitions import day_of
from papers_pipeline.defs.tables import Table, day_asset
from papers_pipeline.issue.build import build_issue
from papers_pipeline.issue.links import Listings
from papers_pipeline.records import (
    Affiliations,
    DailyIssue,
    Paper,
    PaperFigures,
    PaperVotes,
    ParsedPaper,
    ReadingTask,
    TopicTags,
)
from papers_pipeline.settings import Settings, load_settings
from papers_pipeline.store.lake import Lake
from papers_pipeline.wiring import prompts_of

# A day that was bought before a language existed still becomes an issue: what is absent is pending.
OPTIONAL = {"allow_missing_partitions": True}
OTHERS = ("topic_tags", "affiliations", "figures", "parsed_text", "reading_task")

# By six in the morning after a weekday, an issue was built within the last day.
WEEKDAYS = dg.FreshnessPolicy.cron(
    deadline_cron="0 6 * * 2-6", lower_bound_delta=timedelta(hours=24)
)


def issue_asset(languages: Sequence[str], translations: Mapping[str, str]) -> dg.AssetsDefinition:
    """The asset that joins the day, with one optional input a language, and one a translation of the reading task
    (``translations``: its asset by language)."""

    texts_of = {language: f"summaries_{language}" for language in languages}

    @day_asset(
        record=DailyIssue,
        group_name="site",
        kinds={"python", "parquet"},
        code_version="2",
        freshness_policy=WEEKDAYS,
        ins={
            name: dg.AssetIn(metadata=OPTIONAL)
            for name in (*texts_of.values(), *translations.values(), *OTHERS)
        },
        check_specs=[day_check("list_state", "daily_issue", "The list of the day is in order.")],
    )
    def daily_issue(
        context: dg.AssetExecutionContext,
        feed_listing: Sequence[Paper],
        paper_votes: Sequence[PaperVotes],
        topic_tags: Sequence[TopicTags] | None,
        affiliations: Sequence[Affiliations] | None,
        figures: Sequence[PaperFigures] | None,
        parsed_text: Sequence[ParsedPaper] | None,
        reading_task: Sequence[ReadingTask] | None,
        settings: dg.ResourceParam[Settings],
        clock: dg.ResourceParam[Clock],
        lake: dg.ResourceParam[Lake],
        **written: Sequence[Any] | None,
    ) -> Table:
        """The day's one public record: listing, votes, texts, tags, institutions, figures and reading task joined,
        papers by upvotes.

        Where else a paper is listed, and the neighbouring days, it reads from the listings of the days around it.
        """
        day = day_of(context)
        links = Listings(lake, day, day).links(day)
        issue, assessment = build_issue(
            day,
            feed_listing,
            paper_votes,
            {language: written[asset] for language, asset in texts_of.items()},
            topic_tags,
            affiliations,
            figures,
            parsed_text,
            links,
            clock.now(),
            settings.quiet_days,
            reading_task,
            {language: written[asset] for language, asset in translations.items()},
        )
        return Table(
            [issue],
            papers=issue.counts.papers,
            metadata={"state": issue.state},
            checks=[list_state(assessment)],
            preview=issue.papers,
        )

    return daily_issue


@dg.definitions
def defs() -> dg.Definitions:
    prompts = prompts_of(load_settings())
    translations = {prompt.into: prompt.asset for prompt in prompts.translations if prompt.into}
    return dg.Definitions(assets=[issue_asset(prompts.languages, translations)])
