"""The jobs; their names are a contract."""

import dagster as dg

SITE_WIDE = dg.AssetSelection.assets("site_index")

build_day = dg.define_asset_job(
    "build_day",
    dg.AssetSelection.all() - SITE_WIDE,
    description="One day of the list, from the feed to its pages. Nothing that is done is done again.",
)
build_site = dg.define_asset_job(
    "build_site", SITE_WIDE, description="Whatever names more than one day: rebuilt from the issues that are there."
)
