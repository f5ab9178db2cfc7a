"""Checks of a day, returned inline with its materialization, one a partition: an unpartitioned check on a partitioned
asset would let the last run hide a bad day."""

import warnings
from collections.abc import Mapping

import dagster as dg
from dagster._utils.warnings import PreviewWarning

from papers_pipeline.core.days import DayAssessment
from papers_pipeline.core.feed import SetAside
from papers_pipeline.defs.partitions import DAILY


def day_check(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    """The spec of a partitioned check."""
    with warnings.catch_warnings():
        # Preview in 1.13.27; to be dropped when `partitions_def` of AssetCheckSpec leaves it.
        warnings.simplefilter("ignore", PreviewWarning)
        return dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=DAILY)


def entries_read(set_aside: list[SetAside]) -> dg.AssetCheckResult:
    """WARN when entries of the list could not be read; the others are the day."""
    entries = {f"entry {entry.place}": f"{entry.arxiv_id or 'no id'}: {entry.reason}" for entry in set_aside}
    return dg.AssetCheckResult(
        check_name="entries_read", passed=not set_aside, severity=dg.AssetCheckSeverity.WARN, metadata=entries
    )


def list_state(assessment: DayAssessment) -> dg.AssetCheckResult:
    """ERROR for a shrunken list, WARN for a stalled one or papers that are gone unexplained."""
    shrunk = assessment.state == "shrunk"
    gone = list(assessment.unexplained)
    return dg.AssetCheckResult(
        check_name="list_state",
        passed=not (shrunk or gone or assessment.state == "stalled"),
        severity=dg.AssetCheckSeverity.ERROR if shrunk else dg.AssetCheckSeverity.WARN,
        metadata={"state": assessment.state, "gone_unexplained": len(gone), "papers_gone": ", ".join(gone)},
    )


def providers_answer(closed: Mapping[str, str | None]) -> dg.AssetCheckResult:
    """WARN when a model of the chain was not asked any more, after 401, 403, no credit or an unknown model."""
    return dg.AssetCheckResult(
        check_name="providers_answer", passed=not closed, severity=dg.AssetCheckSeverity.WARN, metadata=dict(closed)
    )
