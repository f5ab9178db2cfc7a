"""`papers show`."""

import json
from typing import Any

import click

from papers_pipeline.cli.terminal import current_clock, current_settings, fail, out, rule


@click.command()
@click.argument("arxiv_id")
def show(arxiv_id: str) -> None:
    """Print everything stored about a paper: its row of every asset on every day that listed it,
    and what models were sent and answered, with the guardrails' verdicts."""
    from papers_pipeline.cli.holdings import holdings
    from papers_pipeline.wiring import cache_of

    settings = current_settings()
    held = holdings(settings.data, cache_of(settings, current_clock()), arxiv_id)
    if not held.rows:
        fail(f"nothing is held of {arxiv_id}: no built day has listed it")
    for title, content in held.rows:
        rule(title)
        out.print_json(json.dumps(content, ensure_ascii=False))
    for entry in held.answers:
        for earlier in entry.provenance.get("earlier", []):
            when = earlier["created_at"][:19]
            print_attempts(f"{entry.asset}, replaced, asked {when}", earlier["provenance"])
        when = f"{entry.created_at:%Y-%m-%dT%H:%M:%S}"
        print_attempts(f"{entry.asset}, asked {when}", entry.provenance)
    for name, provenance in held.attempts:
        print_attempts(f"failed, attempts/{name}", provenance)


def print_attempts(title: str, provenance: dict[str, Any]) -> None:
    """The messages as sent, the raw replies, and the verdicts of every model that was asked."""
    for attempt in provenance["attempts"]:
        usd = "unknown" if attempt["usd"] is None else f"{attempt['usd']:.6f}"
        tokens = f"{attempt['input_tokens']} + {attempt['output_tokens']} tokens, USD {usd}"
        rule(f"{title}: {attempt['model']} {attempt['result']} ({tokens})")
        verdicts = iter(attempt["verdicts"])
        for message in attempt["messages"]:
            out.print(f"[bold]{message['role']}[/bold]", markup=True)
            out.print(message["text"], markup=False, soft_wrap=True)
            if message["role"] == "reply" and (verdict := next(verdicts, None)):
                warnings = [f"(warning) {warning}" for warning in verdict["warnings"]]
                remarks = [*verdict["faults"], *warnings]
                out.print("[bold]verdict[/bold]", markup=True)
                out.print("\n".join(remarks) or "passes", markup=False, soft_wrap=True)
        if attempt["detail"]:
            out.print(attempt["detail"], markup=False, soft_wrap=True)
