"""Checks of a day, returned inline with its materialization, one a partition: an unpartitioned check on a partitioned
asset would let the last run hide a bad day."""

import warnings
from collections.abc import Mapping, Sequence
from typing import get_args

import dagster as dg
from dagster._utils.warnings import PreviewWarning

from papers_pipeline.defs.partitions import DAILY
from papers_pipeline.listing.days import DayAssessment
from papers_pipeline.listing.feed import SetAside
from papers_pipeline.records import SiteFile, StageRow, Summary, UnaskableReason
from papers_pipeline.text.languages import detected_language

MOST_WITHOUT = 0.2
"""The share of a day's papers that may lack a PDF or its text: some are withdrawn, and HTML notices come and go."""


def day_check(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    """The spec of a partitioned check."""
    with warnings.catch_warnings():
        # Preview in 1.13.27; to be dropped when `partitions_def` of AssetCheckSpec leaves it.
        warnings.simplefilter("ignore", PreviewWarning)
        return dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=DAILY)


def entries_read(set_aside: list[SetAside]) -> dg.AssetCheckResult:
    """WARN when entries of the list could not be read; the others are the day."""
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
    """ERROR for a shrunken list, WARN for a stalled one or papers that are gone unexplained."""
    shrunk = assessment.state == "shrunk"
    gone = list(assessment.unexplained)
    return dg.AssetCheckResult(
        check_name="list_state",
        passed=not (shrunk or gone or assessment.state == "stalled"),
        severity=dg.AssetCheckSeverity.ERROR if shrunk else dg.AssetCheckSeverity.WARN,
        metadata={
            "state": assessment.state,
            "gone_unexplained": len(gone),
            "papers_gone": ", ".join(gone),
        },
    )


def providers_answer(closed: Mapping[str, str | None]) -> dg.AssetCheckResult:
    """WARN when a model of the chain was not asked any more, after 401, 403, no credit or an unknown model."""
    return dg.AssetCheckResult(
        check_name="providers_answer",
        passed=not closed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=dict(closed),
    )


def coverage(name: str, rows: Sequence[StageRow]) -> dg.AssetCheckResult:
    """WARN when more than a fifth of the papers have none; ERROR when none of three or more has one."""
    without = [row for row in rows if row.state != "done"]
    none_of_many = len(without) == len(rows) >= 3
    return dg.AssetCheckResult(
        check_name=name,
        passed=len(without) <= MOST_WITHOUT * len(rows),
        severity=dg.AssetCheckSeverity.ERROR if none_of_many else dg.AssetCheckSeverity.WARN,
        metadata={"papers": len(rows), "without": len(without), **_without_table(without)},
    )


def complete(rows: Sequence[StageRow]) -> dg.AssetCheckResult:
    """WARN while a paper that can be asked about has no answer; ERROR when three or more were asked about and every one
    failed. The metadata names each, and why."""
    askable = [row for row in rows if row.reason not in get_args(UnaskableReason)]
    without = [row for row in askable if row.state != "done"]
    all_failed = len(askable) >= 3 and all(row.state == "failed" for row in askable)
    return dg.AssetCheckResult(
        check_name="complete",
        passed=not without,
        severity=dg.AssetCheckSeverity.ERROR if all_failed else dg.AssetCheckSeverity.WARN,
        metadata={"papers": len(rows), "without": len(without), **_without_table(without)},
    )


def in_language(language: str, rows: Sequence[Summary]) -> dg.AssetCheckResult:
    """WARN when a text that a model wrote does not read as the language of its asset."""
    wrong = {}
    for row in rows:
        found = detected_language(row.text or "") if row.source == "model" else None
        if found not in (None, language.split("-")[0]):
            wrong[row.arxiv_id] = f"reads as {found}"
    return dg.AssetCheckResult(
        check_name="in_language",
        passed=not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=wrong,
    )


def files_present(files: Sequence[SiteFile], absent: Sequence[str]) -> dg.AssetCheckResult:
    """ERROR when a file that was written is not there."""
    return dg.AssetCheckResult(
        check_name="files_present",
        passed=not absent,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"files": len(files), "absent": ", ".join(absent)},
    )


def _without_table(rows: Sequence[StageRow]) -> dict[str, dg.MetadataValue]:
    """The papers without, as a table for the UI."""
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
