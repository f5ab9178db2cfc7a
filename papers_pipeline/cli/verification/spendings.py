"""The ledger: every purchase has a line, and what a line paid for is somewhere."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import zip_longest

from papers_pipeline.cli.verification.finding import REPAIR, Finding
from papers_pipeline.cli.verification.purchases import Bought, PurchaseReader, Question
from papers_pipeline.cli.verification.stored import Stored
from papers_pipeline.llm.conversation import Attempt
from papers_pipeline.prompts.model_names import split_name
from papers_pipeline.store import files as storage
from papers_pipeline.store.ledger import FileLedger, Spending
from papers_pipeline.store.retention import ATTEMPTS_KEPT


@dataclass
class _Lines:
    """The lines of the ledger about purchases. Earlier releases named no key in live calls."""

    settled_keys: set[str] = field(default_factory=set)
    unsettled: dict[str, list[Spending]] = field(default_factory=lambda: defaultdict(list))
    without_key: set[Question] = field(default_factory=set)
    recent: dict[str, Spending] = field(default_factory=dict)


def spendings(stored: Stored, reader: PurchaseReader) -> Iterator[Finding]:
    """The findings about purchases without a settled line, and lines without a purchase.

    Nothing if the data is on a bucket and the ledger is a file: each machine has its own then.
    """
    if isinstance(stored.ledger, FileLedger) and not storage.is_local(stored.data):
        return
    lines = _lines(stored)
    for bought in reader.bought:
        paid = [attempt for attempt in bought.provenance.attempts if attempt.output_tokens]
        is_known = bought.key in lines.settled_keys or bought.question in lines.without_key
        if not paid or is_known:
            continue
        if stored.repair:
            _enter(stored, bought, paid, lines.unsettled[bought.key])
        fault = "its calls are not settled in the ledger"
        yield Finding(str(bought.path), fault, REPAIR)
    yield from _nowhere(stored, reader, lines)


def _lines(stored: Stored) -> _Lines:
    """What the ledger says, by purchase."""
    lines = _Lines()
    oldest = stored.clock.today() - ATTEMPTS_KEPT + timedelta(days=1)
    for day in stored.ledger.days():
        for line in stored.ledger.spent(day):
            if line.key is None:
                lines.without_key.add((line.asset, line.arxiv_id, line.prompt_version))
            elif line.state == "unsettled":
                lines.unsettled[line.key].append(line)
            else:
                lines.settled_keys.add(line.key)
                if day >= oldest:
                    lines.recent[line.key] = line
    return lines


def _enter(
    stored: Stored, bought: Bought, paid: Sequence[Attempt], unsettled: Sequence[Spending]
) -> None:
    """Add a line for each model that was paid, in the place of lines that are not settled."""
    entry = stored.purchases.read(bought.path)
    if entry is None:
        return
    for attempt, call in zip_longest(paid, unsettled[: len(paid)]):
        provider, model = split_name(attempt.model)
        line = Spending(
            at=call.at if call else entry.created_at,
            asset=bought.asset,
            arxiv_id=bought.provenance.arxiv_id,
            day=call.day if call else None,
            provider=provider,
            model=model,
            prompt_version=bought.provenance.prompt_version,
            input_tokens=attempt.input_tokens,
            output_tokens=attempt.output_tokens,
            usd=attempt.usd,
            key=bought.key,
            call=call.call if call else None,
        )
        stored.ledger.add(line)


def _nowhere(stored: Stored, reader: PurchaseReader, lines: _Lines) -> Iterator[Finding]:
    """The findings about settled lines whose answer is neither stored nor known to be unusable.

    That is known as long as failed attempts are kept, and can be mended for prompts in force.
    """
    known = reader.in_rows | {bought.question for bought in reader.bought}
    for key, line in lines.recent.items():
        stage = stored.stages.get(line.asset)
        if stage is None or stage.prompt.version != line.prompt_version:
            continue
        if (line.asset, line.arxiv_id, line.prompt_version) in known:
            continue
        if stored.batches.text(key) is not None or _was_of_no_use(stored, line):
            continue
        subject = f"{line.asset} {line.arxiv_id}"
        fault = f"an answer was paid for on {line.at.date()}, and is nowhere"
        yield Finding(subject, fault, stored.build(line.day or ""))


def _was_of_no_use(stored: Stored, line: Spending) -> bool:
    """Whether a failed attempt about the same paper is kept from this day or the next."""
    start = f"{line.arxiv_id}.{line.asset}."
    for days in (0, 1):
        folder = stored.data / "attempts" / str(line.at.date() + timedelta(days=days))
        if any(name.startswith(start) for name in storage.listing(folder)):
            return True
    return False
