"""`papers`: the pipeline from a terminal.

Exit status 0: every day was built, though papers may have failed; 1: a day failed; 2: bad usage.
"""

import atexit
import errno
import gc
import logging
from typing import Any

import click

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.full_disk import full_database
from papers_pipeline.cli.commands.backup import backup, restore
from papers_pipeline.cli.commands.batches import batches
from papers_pipeline.cli.commands.build import build
from papers_pipeline.cli.commands.costs import costs
from papers_pipeline.cli.commands.deliver import deliver
from papers_pipeline.cli.commands.doctor import doctor
from papers_pipeline.cli.commands.export import export
from papers_pipeline.cli.commands.import_ror import import_ror
from papers_pipeline.cli.commands.mcp import mcp
from papers_pipeline.cli.commands.plan import plan
from papers_pipeline.cli.commands.prompts import prompts
from papers_pipeline.cli.commands.publish import publish
from papers_pipeline.cli.commands.redo import redo
from papers_pipeline.cli.commands.refresh import refresh
from papers_pipeline.cli.commands.serve import serve
from papers_pipeline.cli.commands.setup_coordination import setup_coordination
from papers_pipeline.cli.commands.show import show
from papers_pipeline.cli.commands.verify import verify
from papers_pipeline.cli.commands.worker import worker
from papers_pipeline.cli.terminal import fail

# Dagster and the SDKs leave half a million objects that stay: Python's collector walked over them
# again and again while they were imported, a fifth of the time of a build without changes.
gc.set_threshold(100_000, 50, 100)
# At exit it would look at each of them once more, for 0.4 s: the system takes the memory anyway.
atexit.register(gc.freeze)


UNWELL = (errno.EACCES, errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.ENOTDIR, errno.EROFS)
"""Errors of a disk that only the operator can mend."""


class Papers(click.Group):
    """Prints an error that is meant for the operator as one sentence, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OperatorError as error:
            fail(str(error))
        except OSError as error:
            if error.errno not in UNWELL:
                raise
            place = f"{error.filename}: " if error.filename else ""  # a write does not name it
            fail(
                f"{place}{error.strerror}: can the folders of PAPERS_DATA_DIR and DAGSTER_HOME be "
                "written to?"
            )
        except Exception as error:
            what = full_database(error)
            if what is None:
                raise
            fail(f"a database of Dagster: {what}: make room and build again")


@click.group(cls=Papers, help=__doc__)
@click.version_option(package_name="papers_pipeline")
def main() -> None:
    logging.getLogger("dagster").setLevel(logging.ERROR)


COMMANDS = (
    *(build, show, redo, plan, refresh, batches),
    *(costs, prompts, doctor, publish, deliver, serve, mcp, verify, backup, restore, export),
    *(import_ror, setup_coordination, worker),
)
for command in COMMANDS:
    main.add_command(command)
