"""`papers import-ror`."""

import click
from upath import UPath

from papers_pipeline.cli.terminal import current_settings, out


@click.command("import-ror")
@click.argument("dump")
def import_ror(dump: str) -> None:
    """Take the institutions of the stored days from DUMP, the JSON file of ROR's data dump.

    Days that are built afterwards show each institution under one name, and its page the country.
    Import again when new institutions have come.
    """
    from papers_pipeline.enrichment.institution_names import load_institution_names
    from papers_pipeline.enrichment.organizations import read_dump, select, write_organizations
    from papers_pipeline.site.catalogue import read_catalogue
    from papers_pipeline.wiring import lake_of

    lake = lake_of(current_settings())
    printed = set()
    for card in read_catalogue(lake, remember=False).cards:
        printed.update(card.institutions)
    organizations = select(read_dump(UPath(dump)), printed, load_institution_names())
    write_organizations(lake, organizations)
    known = sum(organizations.match(name) is not None for name in printed)
    out.print(
        f"{len(organizations.organizations):,} organizations; "
        f"{known:,} of {len(printed):,} names of the stored days are theirs",
        soft_wrap=True,
    )
