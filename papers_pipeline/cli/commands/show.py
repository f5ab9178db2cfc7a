"""`papers show`."""

import json
from typing import TYPE_CHECKING

import click

from papers_pipeline.cli.terminal import current_clock, current_settings, fail, led_by, out, rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from papers_pipeline.base.faults import Fault
    from papers_pipeline.llm.conversation import KeptVerdict, Provenance


@click.command()
@click.argument("arxiv_id")
def show(arxiv_id: str) -> None:
    """Print everything stored about a paper.

    That is its row of every asset on every day that listed it, the messages sent to models, their
    replies, and the guardrails' verdicts.
    """
    from papers_pipeline.cli.stored_paper import stored_paper
    from papers_pipeline.wiring import purchases_of

    settings = current_settings()
    paper = stored_paper(settings.data, purchases_of(settings, current_clock()), arxiv_id)
    if not paper.rows:
        fail(f"nothing is stored about {arxiv_id}: no built day has listed it")
    for title, content in paper.rows:
        rule(title)
        out.print_json(json.dumps(content, ensure_ascii=False))
    for title, provenance in paper.conversations:
        print_attempts(title, provenance)


def print_attempts(title: str, provenance: "Provenance") -> None:
    """Print the messages, raw replies and verdicts of every model that was asked.

    At the end are the faults of the published answer and what was repaired in it.
    """
    for attempt in provenance.attempts:
        usd = "unknown" if attempt.usd is None else f"{attempt.usd:.6f}"
        tokens = f"{attempt.input_tokens} + {attempt.output_tokens} tokens, USD {usd}"
        rule(f"{title}: {attempt.model} {attempt.result} ({tokens})")
        verdicts = iter(attempt.verdicts)
        for message in attempt.messages:
            out.print(led_by(message.role))
            out.print(message.text, soft_wrap=True)
            verdict = next(verdicts, None) if message.role == "reply" else None
            if verdict:
                print_verdict(verdict)
        if attempt.detail:
            out.print(attempt.detail, soft_wrap=True)
    print_lines("published with", [described(fault) for fault in provenance.faults])
    print_lines("repaired", provenance.repairs)


def print_lines(heading: str, lines: "Sequence[str]") -> None:
    """Print a heading and its lines; nothing without lines."""
    if lines:
        out.print(led_by(heading))
        out.print("\n".join(lines), soft_wrap=True)


def described(fault: "Fault") -> str:
    """A fault on one line, with its severity and rule. Earlier versions named no rule."""
    rule = f"{fault.severity}, {fault.rule}" if fault.rule else fault.severity
    return f"({rule}) {fault.message}"


def print_verdict(verdict: "KeptVerdict") -> None:
    """Print the faults and warnings that the guardrails found in a reply."""
    warnings = [f"(warning) {warning}" for warning in verdict.warnings]
    faults = [described(fault) for fault in verdict.faults]
    lines = "\n".join([*faults, *warnings])
    out.print(led_by("verdict"))
    out.print(lines or "passes", soft_wrap=True)
