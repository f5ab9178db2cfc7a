"""Prints what evaluations found."""

import json
from collections.abc import Sequence
from typing import Any

import click

from papers_pipeline.base.characters import excerpt
from papers_pipeline.cli.reports import money
from papers_pipeline.cli.terminal import new_table, out
from papers_pipeline.evaluation.judge import Judgement, PairFigures, SupportFigures
from papers_pipeline.evaluation.report import Figure, Report
from papers_pipeline.evaluation.topics import TopicsReport

QUOTED_PAPERS = 20
"""The papers whose faults are quoted unless all are asked for."""


def print_figures(reports: Sequence[Report]) -> None:
    """A row for each figure and a column for each report; then a row for each rule that is broken.

    A share of other things than all answers says of how many.
    """
    table = new_table(("",), [report.source for report in reports])
    for row in zip(*(report.figures for report in reports), strict=True):
        table.add_row(row[0].label, *(_cell(figure) for figure in row))
    counts = [report.by_rule() for report in reports]
    for severity, rule in sorted({key for broken in counts for key in broken}):
        cells = [str(broken.get((severity, rule), 0)) for broken in counts]
        table.add_row(f"rule {rule} ({severity})", *cells)
    out.print(table)


def _cell(figure: Figure) -> str:
    if figure.kind == "share" and figure.of is not None and figure.value is not None:
        return f"{figure} of {figure.of}"
    return str(figure)


def print_topic_scores(report: TopicsReport) -> None:
    """Precision, recall and F1 of each topic that was found or expected, if there are labels."""
    if report.scores is None or report.total is None:
        return
    table = new_table(("topic",), ("found", "right", "expected", "precision", "recall", "F1"))
    for topic, score in (*report.scores.items(), ("all", report.total)):
        table.add_row(
            topic,
            str(score.found),
            str(score.right),
            str(score.expected),
            f"{score.precision:.1%}",
            f"{score.recall:.1%}",
            f"{score.f1:.1%}",
        )
    out.print(table)


def print_faults(report: Report, every: bool) -> None:
    """The faults of each paper, of at most `QUOTED_PAPERS` unless `every` one is asked for."""
    papers = list(report.faults.items())
    shown = papers if every else papers[:QUOTED_PAPERS]
    for arxiv_id, faults in shown:
        for fault in faults:
            line = f"{arxiv_id} ({fault.severity}, {fault.rule}) {fault.message}"
            out.print(line, soft_wrap=True)
    left = len(papers) - len(shown)
    if left:
        out.print(f"{left} more papers have faults: --all quotes them too")


def print_judgement(judgement: Judgement, sides: Sequence[str], every: bool) -> None:
    """What the judge found about our side and, if there is one, the other."""
    table = new_table((f"judged by {judgement.model}",), sides)
    supports = [judgement.ours]
    if judgement.theirs is not None:
        supports.append(judgement.theirs)
    shares = [_cell_of(support) for support in supports]
    table.add_row("sentences that the abstract supports", *shares)
    if judgement.pairs is not None:
        _add_pairs(table, judgement.pairs)
    out.print(table)
    if judgement.pairs is not None:
        _print_bias(judgement.pairs)
    for side, support in zip(sides, supports, strict=True):
        quoted = support.unsupported if every else support.unsupported[:QUOTED_PAPERS]
        for found in quoted:
            line = f"{found.arxiv_id} ({side}) unsupported: {excerpt(found.words, 120)}"
            out.print(line, soft_wrap=True)
            out.print(f"  in: {excerpt(found.sentence, 300)}", soft_wrap=True)
        left = len(support.unsupported) - len(quoted)
        if left:
            out.print(f"{left} more sentences of {side} are unsupported: --all quotes them too")
    for reason, questions in judgement.unjudged.items():
        out.print(f"{questions} questions without an answer: {reason}")
    calls, tokens, usd = money(judgement.spent)
    out.print(f"{calls} calls, {tokens} tokens, USD {usd}")


def _cell_of(support: SupportFigures) -> str:
    if support.share is None:
        return "–"
    return f"{support.share:.1%} of {support.sentences}"


def _add_pairs(table: Any, pairs: PairFigures) -> None:
    table.add_row("better in both orders", str(pairs.ours), str(pairs.theirs))
    table.add_row("ties", str(pairs.tie), str(pairs.tie))


def _print_bias(pairs: PairFigures) -> None:
    decided = pairs.first + pairs.second
    share = f"{pairs.first / decided:.1%}" if decided else "–"
    out.print(
        f"Position: the text that stands first is preferred in {share} of {decided} decisions; "
        f"the order decided {pairs.split} of {pairs.pairs} pairs, which count as ties."
    )


def print_json(reports: Sequence[Report], judgement: Judgement | None = None) -> None:
    """The same as one JSON object."""
    fields: dict[str, Any] = {"reports": [report.as_json() for report in reports]}
    if judgement is not None:
        fields["judgement"] = judgement.as_json()
    click.echo(json.dumps(fields, ensure_ascii=False, indent=1))
