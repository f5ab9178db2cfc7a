"""The checks of a day, returned with its materialization, one result per partition.

An unpartitioned check on a partitioned asset would let the last run hide a bad day.
"""

import warnings
from collections.abc import Mapping, Sequence

import dagster as dg
from dagster._utils.warnings import PreviewWarning

from papers_pipeline.defs.partitions import DAILY
from papers_pipeline.delivery.courier import Report
from papers_pipeline.enrichment.row_checks import RowCheck
from papers_pipeline.listing.days import DayAssessment
from papers_pipeline.listing.feed import SetAside
from papers_pipeline.records import SiteFile, StageRow

PROVIDERS_ANSWER = "providers_answer"
MAX_MISSING = 0.2
"""The share of a day's papers that may lack a PDF or its text before a check warns.

Some papers are withdrawn, and arXiv sometimes serves a notice instead of a PDF.
"""


def day_check(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    """The spec of a check partitioned by day."""
    with warnings.catch_warnings():
        # Drop this when `partitions_def` of AssetCheckSpec leaves preview (Dagster 1.13.27).
        warnings.simplefilter("ignore", PreviewWarning)
        return dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=DAILY)


def entries_read(set_aside: list[SetAside]) -> dg.AssetCheckResult:
    """WARN if a list entry could not be read. The day is built from the others."""
    entries = {
        f"entry {entry.place}": f"{entry.arxiv_id or 'no id'}: {entry.reason}"
        for entry in set_aside
    }
    return dg.AssetCheckResult(
        check_name="entries_read",
        passed=not set_aside,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=entries,
    )


def list_state(assessment: DayAssessment) -> dg.AssetCheckResult:
    """ERROR if the list shrank; WARN if it stalled or papers disappeared without explanation."""
    shrunk = assessment.state == "shrunk"
    stalled = assessment.state == "stalled"
    gone = list(assessment.unexplained)
    return dg.AssetCheckResult(
        check_name="list_state",
        passed=not (shrunk or stalled or gone),
        severity=dg.AssetCheckSeverity.ERROR if shrunk else dg.AssetCheckSeverity.WARN,
        metadata={
            "state": assessment.state,
            "gone_unexplained": len(gone),
            "papers_gone": ", ".join(gone),
        },
    )


def providers_answer(closed: Mapping[str, str | None]) -> dg.AssetCheckResult:
    """WARN if a model was dropped from the chain: 401, 403, no credit or unknown model."""
    return dg.AssetCheckResult(
        check_name=PROVIDERS_ANSWER,
        passed=not closed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=dict(closed),
    )


def coverage(name: str, rows: Sequence[StageRow]) -> dg.AssetCheckResult:
    """WARN if more than a fifth of the papers have none.

    ERROR if there are at least three papers and none has one.
    """
    without = [row for row in rows if row.state != "done"]
    all_missing = len(rows) >= 3 and len(without) == len(rows)
    return dg.AssetCheckResult(
        check_name=name,
        passed=len(without) <= MAX_MISSING * len(rows),
        severity=dg.AssetCheckSeverity.ERROR if all_missing else dg.AssetCheckSeverity.WARN,
        metadata={"papers": len(rows), "without": len(without), **_without_table(without)},
    )


def row_check(check: RowCheck, rows: Sequence[StageRow]) -> dg.AssetCheckResult:
    """A stage's own check, its findings as metadata for the UI."""
    finding = check.examine(rows)
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=finding.passed,
        severity=dg.AssetCheckSeverity.ERROR if finding.is_error else dg.AssetCheckSeverity.WARN,
        metadata={**finding.notes, **_without_table(finding.rows)},
    )


def files_present(files: Sequence[SiteFile], absent: Sequence[str]) -> dg.AssetCheckResult:
    """ERROR if a written file is missing."""
    return dg.AssetCheckResult(
        check_name="files_present",
        passed=not absent,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"files": len(files), "absent": ", ".join(absent)},
    )


def delivered(report: Report) -> dg.AssetCheckResult:
    """WARN if a message failed or is in doubt; the metadata says what to do about each."""
    return dg.AssetCheckResult(
        check_name="delivered",
        passed=report.is_fine,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join([*report.failures, *report.doubts]) or str(report),
        metadata={"failures": report.failures, "doubts": report.doubts},
    )


def _without_table(rows: Sequence[StageRow]) -> dict[str, dg.MetadataValue]:
    """Metadata that shows these papers as a table in the UI."""
    if not rows:
        return {}
    records = [
        dg.TableRecord(
            {
                "arxiv_id": row.arxiv_id,
                "state": row.state,
                "reason": row.reason or "",
                "detail": row.detail or "",
            }
        )
        for row in rows
    ]
    return {"papers_without": dg.MetadataValue.table(records)}
