"""Ask a stage's model about the items of a day."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import cast

from papers_pipeline.base.per_paper import Counts, PaperPending, Progress, per_paper
from papers_pipeline.enrichment.kept_answers import KeptAnswers, RowStands, entry_of
from papers_pipeline.enrichment.stage import Item, Output, Row, Stage
from papers_pipeline.llm.chain import Answer, open_chain
from papers_pipeline.llm.models import Models
from papers_pipeline.llm.spent import Spent
from papers_pipeline.records import by_arxiv_id
from papers_pipeline.store.damage import NewerFormat
from papers_pipeline.store.lake import Lake
from papers_pipeline.store.purchases import Purchase, Purchases


async def enrich(
    stage: Stage[Item, Row, Output],
    items: Sequence[Item],
    *,
    models: Models,
    earlier: Sequence[Row] = (),
    lake: Lake | None = None,
    day: str | None = None,
    concurrency: int,
    progress: Progress,
) -> tuple[list[Row], Counts, Spent]:
    """One row per item in the given order, the counts, and what was spent.

    `earlier` are the rows of the last build: an answered row stays if no model gives a new answer.
    Before an answer is bought, it is looked for among them and in the `lake`. One that is replaced
    stays among the purchases.
    """
    by_id = by_arxiv_id(items)
    answered = by_arxiv_id(row for row in earlier if row.state == "done")
    kept = KeptAnswers(stage, answered.values(), lake, day)

    asking = open_chain(
        models,
        stage.prompt,
        stage.output,
        stage.judge,
        day,
        repair=stage.repair,
        note=progress.note,
        preloads=stage.preloads,
    )
    async with asking as chain:

        async def answer(arxiv_id: str) -> tuple[Row, bool]:
            item = by_id[arxiv_id]
            reason = stage.why_not_asked(item)
            if reason:
                raise PaperPending(reason)
            try:
                answer = await chain.ask(
                    arxiv_id,
                    *stage.prompt_variables(item),
                    kept_elsewhere=lambda: kept.entry(item),
                )
            except RowStands as stands:
                return cast(Row, stands.row), True
            row = answered.get(arxiv_id)
            if row is not None and stage.is_same_answer(row, answer):
                return stage.renewed(row, item, answer), answer.reused
            return stage.answer_row(item, answer), answer.reused

        outcomes, counts = await per_paper(
            stage.asset, list(by_id), answer, concurrency=concurrency, progress=progress
        )
    rows = []
    for outcome in outcomes:
        item = by_id[outcome.arxiv_id]
        row = outcome.value
        if row is None:
            row = answered.get(outcome.arxiv_id)
            if row is None or not stage.still_fits(item, row):
                row = stage.fallback_row(item, outcome)
        rows.append(row)
    _keep_replaced(stage, answered.values(), rows, models.purchases)
    return rows, counts, chain.spent


def _keep_replaced(
    stage: Stage[Item, Row, Output],
    answered: Iterable[Row],
    rows: Sequence[Row],
    purchases: Purchases,
) -> None:
    """Store the `answered` rows that are not among `rows` any more and whose purchases are lost.

    Nothing else holds them, and an earlier prompt that is put back asks for them again.
    """
    standing = {row.arxiv_id: row.question for row in rows}
    for old in answered:
        if standing.get(old.arxiv_id) == old.question:
            continue
        with suppress(RowStands, NewerFormat):
            if purchases.read(purchases.path(stage.asset, old.question)) is None:
                purchases.put(entry_of(stage, old))


async def ask_again(
    stage: Stage[Item, Row, Output],
    item: Item,
    *,
    models: Models,
    earlier: Sequence[Row] = (),
    day: str | None = None,
) -> Answer[Output]:
    """A new answer about one item, past what was bought. The old answer is kept beside it.

    If its purchase is lost, the old answer is taken from the `earlier` rows, if one holds it.
    Raises what `Chain.ask` raises; then the old answer stays in force.
    """
    reason = stage.why_not_asked(item)
    if reason:
        raise PaperPending(reason)
    kept = KeptAnswers(stage, earlier)

    def old_answer() -> Purchase | None:
        try:
            return kept.entry(item)
        except RowStands:
            return None

    asking = open_chain(models, stage.prompt, stage.output, stage.judge, day, repair=stage.repair)
    async with asking as chain:
        return await chain.ask(
            item.arxiv_id, *stage.prompt_variables(item), again=True, kept_elsewhere=old_answer
        )
