"""The day joined into its public record."""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from papers_pipeline.core.days import Clock
from papers_pipeline.core.issue import Listings, build_issue
from papers_pipeline.core.lake import Lake
from papers_pipeline.defs.checks import day_check, list_state
from papers_pipeline.defs.partitions import day_of
from papers_pipeline.defs.tables import Table, day_asset
from papers_pipeline.records import (
    Affiliations,
    DailyIssue,
    Paper,
    PaperFigures,
    PaperVotes,
    ParsedPaper,
    Summary,
    TopicTags,
)
from papers_pipeline.settings import Settings, load_settings
from papers_pipeline.wiring import prompts_of

# A day that was bought before a language existed still becomes an issue: what is absent is pending.
OPTIONAL = {"allow_missing_partitions": True}

# By six in the morning after a weekday, an issue was built within the last day.
WEEKDAYS = dg.FreshnessPolicy.cron(deadline_cron="0 6 * * 2-6", lower_bound_delta=timedelta(hours=24))


def issue_asset(languages: Sequence[str]) -> dg.AssetsDefinition:
    """The asset that joins the day, with one optional input a language."""

    @day_asset(
        record=DailyIssue,
        group_name="site",
        kinds={"python", "parquet"},
        code_version="1",
        freshness_policy=WEEKDAYS,
        ins={f"summaries_{language}": dg.AssetIn(metadata=OPTIONAL) for language in languages}
        | {name: dg.AssetIn(metadata=OPTIONAL) for name in ("topic_tags", "affiliations", "figures", "parsed_text")},
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
        settings: dg.ResourceParam[Settings],
        clock: dg.ResourceParam[Clock],
        lake: dg.ResourceParam[Lake],
        **summaries: Sequence[Summary] | None,
    ) -> Table:
        """The day's one public record: listing, votes, texts, tags, institutions and figures joined, papers by upvotes.

        Where else a paper is listed, and the neighbouring days, it reads from the listings of the days around it.
        """
        day = day_of(context)
        texts = {language: summaries[f"summaries_{language}"] for language in languages}
        links = Listings(lake, day, day).links(day)
        issue, assessment = build_issue(
            day,
            feed_listing,
            paper_votes,
            texts,
            topic_tags,
            affiliations,
            figures,
            parsed_text,
            links,
            clock.now(),
            settings.quiet_days,
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
    return dg.Definitions(assets=[issue_asset(prompts_of(load_settings()).languages)])
