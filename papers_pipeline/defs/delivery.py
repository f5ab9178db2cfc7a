"""The assets that deliver a day, one for each channel that is configured."""

from collections.abc import Sequence

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.defs.checks import day_check, delivered
from papers_pipeline.defs.tables import Table, day_asset
from papers_pipeline.delivery.book import asset_of
from papers_pipeline.delivery.channel import Channel
from papers_pipeline.delivery.courier import Courier
from papers_pipeline.delivery.preview import markdown
from papers_pipeline.records import DailyIssue, Delivery
from papers_pipeline.settings import Settings
from papers_pipeline.wiring import channels_of, courier_of


def delivery_assets(settings: Settings, clock: Clock) -> list[dg.AssetsDefinition]:
    """The assets `delivery_<channel>`."""
    channels = channels_of(settings, clock)
    if not channels:
        return []
    courier = courier_of(settings, clock)
    return [delivery_asset(channel, courier) for channel in channels]


def delivery_asset(channel: Channel, courier: Courier) -> dg.AssetsDefinition:
    """The asset that gives a day to a channel. A failure is a warning: the day itself is built."""
    name = asset_of(channel.name)

    @day_asset(
        record=Delivery,
        name=name,
        group_name="delivery",
        kinds={channel.kind},
        code_version="1",
        description=f"What of the day was sent over the channel {channel.name}, each message once.",
        check_specs=[day_check("delivered", name, "No message failed, and none is in doubt.")],
    )
    def delivery(daily_issue: Sequence[DailyIssue]) -> Table:
        issue = daily_issue[0]
        report, rows = courier.deliver(channel, issue)
        preview = "\n\n---\n\n".join(map(markdown, courier.digests(channel, issue)))
        return Table(
            rows,
            papers=issue.counts.papers,
            metadata={
                "sent": report.sent,
                "edited": report.edited,
                "unchanged": report.unchanged,
                "waits": report.waits,
                "preview": dg.MetadataValue.md(preview),
            },
            checks=[delivered(report)],
        )

    return delivery
