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
@click.option("--repair", is_flag=True, help="Mend what can be mended without loss.")
def verify(sample: float, repair: bool) -> None:
    """Read everything that is stored, compare it, and say what is wrong and what mends it.

    Reads every table, purchase and page; compares rows, ledger and purchases; and names files that
    nobody owns. Damaged files are set aside. Run it while no day is being built. Exit status 1 if
    anything is wrong.
    """
    from papers_pipeline.cli.verification.finding import Finding
    from papers_pipeline.cli.verification.stored import stored_by
    from papers_pipeline.cli.verification.verify import verify as examine

    stored = stored_by(current_settings(), current_clock(), sample, repair=repair)
    is_well = True
    for found in examine(stored):
        if isinstance(found, Finding):
            is_well = False
            line = f"{found.subject}: {found.fault}. Mended by: {found.way_out}"
        else:
            line = found.text
        out.print(line, soft_wrap=True)
    if not is_well:
        sys.exit(1)
    out.print("Everything that was read is as it was written.")
