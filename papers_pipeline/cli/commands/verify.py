"""`papers verify`."""

import sys

import click

from papers_pipeline.cli.terminal import current_clock, current_settings, out


class Percent(click.ParamType):  # type: ignore[type-arg]
    """A share such as 5% as a number from 0 to 1."""

    name = "percent"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            share = float(value.removesuffix("%")) / 100
        except ValueError:
            share = 0.0
        if not 0 < share <= 1:
            self.fail(f"{value!r} is no percentage such as 5%", param, ctx)
        return share


@click.command()
@click.option("--sample", type=Percent(), default="100%", help="Read only a share, such as 5%.")
@click.option("--repair", is_flag=True, help="Delete pages that were changed; builds write them.")
def verify(sample: float, repair: bool) -> None:
    """Read every stored table, purchase and page, and name what is damaged, missing or changed.

    Damaged tables and purchases are set aside. Each finding says what mends it. Run it while no day
    is being built. Exit status 1 if anything is found.
    """
    from papers_pipeline.cli.verify import chooser
    from papers_pipeline.cli.verify import verify as examine
    from papers_pipeline.wiring import cache_of, lake_of, site_of

    settings, clock = current_settings(), current_clock()
    lake, cache, site = lake_of(settings), cache_of(settings, clock), site_of(settings)
    findings = list(examine(lake, cache, site, chooser(sample), repair=repair))
    if not findings:
        out.print("Everything that was read is as it was written.")
        return
    for finding in findings:
        line = f"{finding.subject}: {finding.fault}. Mended by: {finding.way_out}"
        out.print(line, soft_wrap=True)
    sys.exit(1)
