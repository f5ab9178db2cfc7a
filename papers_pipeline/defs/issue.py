"""The day joined into its public record."""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.defs.checks import day_check, list_state
from papers_pipeline.defs.partitions import day_of
from papers_pipeline.defs.tables import Table, day_asset, last_rows
from papers_pipeline.enrichment.institution_names import load_institution_names
from papers_pipeline.enrichment.organizations import usual_names
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.issue.build import DayTables, build_issue
from papers_pipeline.issue.links import Listings
from papers_pipeline.issue.shown import require_tables
from papers_pipeline.records import (
    DailyIssue,
    Enrichment,
    Paper,
    PaperFigures,
    PaperVotes,
    ParsedPaper,
)
from papers_pipeline.settings import Settings
from papers_pipeline.store.lake import Lake

# A day that was bought before a language existed still becomes an issue; its text is pending.
OPTIONAL = dg.AssetIn(metadata={"allow_missing_partitions": True})

# By six in the morning after a weekday, an issue was built within the last day.
WEEKDAYS = dg.FreshnessPolicy.cron(
    deadline_cron="0 6 * * 2-6", lower_bound_delta=timedelta(hours=24)
)


def issue_asset(stages: Sequence[AnyStage]) -> dg.AssetsDefinition:
    """The asset that joins the day, with one optional input per stage."""
    optional = ("figures", "parsed_text", *(stage.asset for stage in stages))

    @day_asset(
        record=DailyIssue,
        group_name="site",
        kinds={"python", "parquet"},
        code_version="2",
        freshness_policy=WEEKDAYS,
        ins=dict.fromkeys(optional, OPTIONAL),
        check_specs=[day_check("list_state", "daily_issue", "The list of the day is in order.")],
    )
    def daily_issue(
        context: dg.AssetExecutionContext,
        feed_listing: Sequence[Paper],
        paper_votes: Sequence[PaperVotes],
        figures: Sequence[PaperFigures] | None,
        parsed_text: Sequence[ParsedPaper] | None,
        settings: dg.ResourceParam[Settings],
        clock: dg.ResourceParam[Clock],
        lake: dg.ResourceParam[Lake],
        **answers: Sequence[Enrichment] | None,
    ) -> Table:
        """The day's public record: listing, votes, texts, tags, institutions, figures, and reading
        task joined, papers by upvotes.

        Other days' listings say where else a paper is listed and which days are its neighbours.
        """
        day = day_of(context)
        inputs = {"figures": figures, "parsed_text": parsed_text, **answers}
        for before in last_rows(context, lake, DailyIssue):
            require_tables(before, {asset for asset, rows in inputs.items() if rows is None})
        tables = DayTables(
            listing=feed_listing,
            votes=paper_votes,
            answers={asset: rows for asset, rows in answers.items() if rows is not None},
            figures=figures or (),
            parsed_text=parsed_text or (),
        )
        links = Listings(lake, day, day).links(day)
        names = usual_names(load_institution_names(), lake)
        issue, assessment = build_issue(
            day, tables, stages, links, names, clock.now(), settings.quiet_days
        )
        return Table(
            [issue],
            papers=issue.counts.papers,
            metadata={"state": issue.state},
            checks=[list_state(assessment)],
            preview=issue.papers,
        )

    return daily_issue
