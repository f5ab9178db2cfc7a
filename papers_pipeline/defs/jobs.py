"""The jobs; their names are a contract."""

import dagster as dg

SITE_WIDE = dg.AssetSelection.assets("site_index")
NOT_OF_A_DAY = SITE_WIDE | dg.AssetSelection.groups("operations")

build_day = dg.define_asset_job(
    "build_day",
    dg.AssetSelection.all() - NOT_OF_A_DAY,
    description="One day of the list, from the feed to its pages. Nothing that is done is done again.",
)
build_site = dg.define_asset_job(
    "build_site", SITE_WIDE, description="Whatever names more than one day: rebuilt from the issues that are there."
)
