"""A job of one empty step: what Python and Dagster cost before any work.

python -m benchmarks.trivial
"""

import dagster as dg


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job
def trivial() -> None:
    """Run one empty step."""
    nothing()


defs = dg.Definitions(jobs=[trivial])

if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        trivial.execute_in_process(instance=instance)
