"""The jobs of the days and the site. Their names are public: schedules and scripts rely on them."""

import dagster as dg

from papers_pipeline.runs import SITE_ASSETS, SITE_TAG

NOT_DAILY = dg.AssetSelection.assets(*SITE_ASSETS) | dg.AssetSelection.groups("operations")
SITE = {SITE_TAG: "1"}

build_day = dg.define_asset_job(
    "build_day",
    dg.AssetSelection.all() - NOT_DAILY,
    description="Builds one day, from the list to its pages. Reuses everything already done.",
)
build_site = dg.define_asset_job(
    "build_site",
    dg.AssetSelection.assets("site_index", "search_index"),
    tags=SITE,
    description="Rebuilds the index pages and the search from the stored issues.",
)
# A run has a single partitioning: months, weeks and unpartitioned assets need a job each.
build_month = dg.define_asset_job(
    "build_month",
    dg.AssetSelection.assets("monthly_pages"),
    tags=SITE,
    description="Builds the pages of one month from the issues of its days.",
)
build_week = dg.define_asset_job(
    "build_week",
    dg.AssetSelection.assets("weekly_pages"),
    tags=SITE,
    description="Builds the pages of one week from the issues of its days.",
)
