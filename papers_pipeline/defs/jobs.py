"""The jobs; their names are a contract."""

import dagster as dg

from papers_pipeline.runs import SITE_ASSETS, SITE_TAG

NOT_OF_A_DAY = dg.AssetSelection.assets(*SITE_ASSETS) | dg.AssetSelection.groups("operations")
SITE = {SITE_TAG: "1"}

build_day = dg.define_asset_job(
    "build_day",
    dg.AssetSelection.all() - NOT_OF_A_DAY,
    description="One day of the list, from the feed to its pages. Nothing that is done is done again.",
)
build_site = dg.define_asset_job(
    "build_site",
    dg.AssetSelection.assets("site_index", "search_index"),
    tags=SITE,
    description="What leads to the newest day: rebuilt from the issues that are there.",
)
# A run has one partitioning, so that months, weeks and what has none are a job each.
build_month = dg.define_asset_job(
    "build_month",
    dg.AssetSelection.assets("monthly_pages"),
    tags=SITE,
    description="The pages of one month, from the issues of its days.",
)
build_week = dg.define_asset_job(
    "build_week",
    dg.AssetSelection.assets("weekly_pages"),
    tags=SITE,
    description="The pages of one week, from the issues of its days.",
)
