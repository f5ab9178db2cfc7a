"""`papers prompts eval`, with one command per kind of answer."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from papers_pipeline.base.clock import Clock
from papers_pipeline.cli.terminal import (
    agree,
    as_usage,
    current_clock,
    current_settings,
    first_and_last,
    new_table,
    out,
    watcher,
)
from papers_pipeline.settings import Settings

if TYPE_CHECKING:
    from papers_pipeline.enrichment.stage import AnyStage
    from papers_pipeline.enrichment.stages.summaries import SummaryStage
    from papers_pipeline.evaluation.answers import Answered
    from papers_pipeline.evaluation.judge import Judgement

FILE = click.Path(dir_okay=False, path_type=Path)
Command = Callable[..., Any]


def answer_options(command: Command) -> Command:
    """The options of every evaluation of answers."""
    options = (
        click.option(
            "--answers",
            type=FILE,
            help="JSON lines of answers, in place of the stored days: arxiv_id, output, and the "
            "paper's title and abstract if no stored day lists it.",
        ),
        click.option("--from", "first", metavar="A", help="The first stored day."),
        click.option("--to", "last", metavar="B", help="The last stored day."),
        click.option("--all", "every", is_flag=True, help="Quote the faults of all papers."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group("eval")
def evaluate() -> None:
    """Measure answers: those of the stored days, or those in a file.

    Without --judge, nothing is bought: rules measure the answers, the same each time.
    """


@evaluate.command()
@click.option("--language", help="The language of the summaries; by default each one's.")
@answer_options
@click.option(
    "--against",
    metavar="FILE|VERSION",
    help="Compare with the answers in a file, or with those of an earlier version of the prompt.",
)
@click.option(
    "--judge",
    "judge_model",
    metavar="MODEL",
    help="Let a model check each sentence and, with --against, compare the texts. Costs money.",
)
@click.option(
    "--sample",
    "most",
    default=60,
    show_default=True,
    type=click.IntRange(1),
    help="How many papers the model judges.",
)
@click.option("--yes", is_flag=True, help="Do not ask before buying.")
def summaries(
    language: str | None,
    answers: Path | None,
    first: str | None,
    last: str | None,
    every: bool,
    as_json: bool,
    against: str | None,
    judge_model: str | None,
    most: int,
    yes: bool,
) -> None:
    """Measure summaries: truth, style, size, and what a reader needs.

    A main number is a number with a percent sign, "×", "times" or a scale in a sentence of the
    abstract that reports a result. The method's name is the word before the colon of the title, or
    X in "we propose X". Both are rules of thumb, for comparisons.
    """
    from papers_pipeline.cli.evaluations import (
        print_faults,
        print_figures,
        print_json,
        print_judgement,
    )
    from papers_pipeline.evaluation.summaries import MAY_LACK, evaluate_summaries

    settings, clock = current_settings(), current_clock()
    stages = _summary_stages(settings, language)
    if len(stages) > 1 and (answers or against or judge_model):
        raise click.UsageError("--answers, --against and --judge need a --language")
    days = first_and_last(first, last, clock)
    sources = _Sources(settings, clock)
    reports = []
    for stage in stages:
        ours = sources.answers(stage, answers, *days, MAY_LACK)
        reports.append(evaluate_summaries(stage, ours, answers.name if answers else stage.language))
    theirs = None
    if against:
        theirs = sources.against(stages[0], against, MAY_LACK)
        reports.append(evaluate_summaries(stages[0], theirs, Path(against).name))
    judgement = None
    if judge_model:
        judgement = _judged(settings, clock, stages[0], judge_model, ours, theirs, most, yes)
    if as_json:
        print_json(reports, judgement)
        return
    print_figures(reports)
    for report in reports:
        print_faults(report, every)
    if judgement:
        print_judgement(judgement, [report.source for report in reports], every)


def _summary_stages(settings: Settings, language: str | None) -> list["SummaryStage"]:
    """The stages of the summaries in a language, or in each language of the site."""
    from papers_pipeline.enrichment.stages.summaries import SummaryStage
    from papers_pipeline.wiring import stages_of

    stages = as_usage(lambda: stages_of(settings)).values()
    found = [stage for stage in stages if isinstance(stage, SummaryStage)]
    if language is None:
        return found
    of_language = [stage for stage in found if stage.language == language]
    if not of_language:
        known = ", ".join(stage.language for stage in found)
        raise click.UsageError(f"no prompt for the language {language}; there are {known}")
    return of_language


class _Sources:
    """Where the answers of an evaluation come from."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        from papers_pipeline.evaluation.answers import stored_papers
        from papers_pipeline.wiring import lake_of, purchases_of

        self.lake = lake_of(settings)
        self.purchases = purchases_of(settings, clock)
        self.papers = stored_papers(self.lake)

    def answers(
        self, stage: "AnyStage", path: Path | None, first: Any, last: Any, may_lack: Any = ()
    ) -> list["Answered"]:
        """The answers in a file, or else those of the stored days."""
        from papers_pipeline.evaluation.answers import answers_of_file, stored_answers

        if path is None:
            return as_usage(lambda: stored_answers(self.lake, stage, self.papers, first, last))
        return as_usage(lambda: answers_of_file(path, stage, self.papers, may_lack))

    def against(self, stage: "AnyStage", name: str, may_lack: Any) -> list["Answered"]:
        """The answers in a file, or else those of a version of the stage's prompt."""
        from papers_pipeline.evaluation.answers import answers_of_file, answers_of_version

        path = Path(name)
        if path.is_file():
            return as_usage(lambda: answers_of_file(path, stage, self.papers, may_lack))
        return as_usage(lambda: answers_of_version(self.purchases, stage, self.papers, name))


def _judged(
    settings: Settings,
    clock: Clock,
    stage: "SummaryStage",
    model: str,
    ours: list["Answered"],
    theirs: list["Answered"] | None,
    most: int,
    yes: bool,
) -> "Judgement":
    """Ask a model about a sample, after the operator has agreed to the price."""
    from papers_pipeline.base import loop
    from papers_pipeline.evaluation.answers import sampled
    from papers_pipeline.evaluation.judge import judge, questions_about
    from papers_pipeline.prompts.model_names import split_name
    from papers_pipeline.wiring import models_of

    models = models_of(settings, clock)
    provider = as_usage(lambda: split_name(model))[0]
    if not models.access[provider].is_configured:
        raise click.UsageError(f"--judge {model}: the provider {provider} is not configured")
    if theirs is not None:
        shared = {answer.arxiv_id for answer in theirs}
        ours = [answer for answer in ours if answer.arxiv_id in shared]
        if not ours:
            raise click.UsageError("the two sides have no paper in common")
    questions = questions_about(stage.language, model, sampled(ours, most), theirs)
    calls, usd = questions.cost(models)
    cost = "at an unknown price" if usd is None else f"for about {usd:.4f} USD"
    if calls:
        agree(f"Ask {model} {calls} questions {cost}?", yes)
    asking = judge(
        questions,
        models=models,
        concurrency=settings.llm_concurrency,
        progress=watcher(plain=True).of("judge"),
    )
    return loop.run(asking)


@evaluate.command()
@answer_options
@click.option(
    "--labels",
    type=FILE,
    help="JSON lines of papers with their right topics, `id` and `topics`, to compare with.",
)
def topics(
    answers: Path | None,
    first: str | None,
    last: str | None,
    every: bool,
    as_json: bool,
    labels: Path | None,
) -> None:
    """Measure topics, against the list, the keyword rules and, with --labels, labelled papers."""
    from papers_pipeline.cli.evaluations import (
        print_faults,
        print_figures,
        print_json,
        print_topic_scores,
    )
    from papers_pipeline.enrichment.stages.topic_tags import TopicTagsStage
    from papers_pipeline.evaluation.topics import evaluate_topics, load_topic_labels

    settings, clock = current_settings(), current_clock()
    stage = cast(TopicTagsStage, _stage(settings, "topic_tags"))
    names = [topic.name for topic in stage.prompt.topics]
    labelled = as_usage(lambda: load_topic_labels(labels, names)) if labels else None
    days = first_and_last(first, last, clock)
    found = _Sources(settings, clock).answers(stage, answers, *days)
    report = evaluate_topics(stage, found, answers.name if answers else "stored", labelled)
    if as_json:
        print_json([report])
        return
    print_figures([report])
    print_topic_scores(report)
    print_faults(report, every)


@evaluate.command()
@answer_options
def reading(
    answers: Path | None, first: str | None, last: str | None, every: bool, as_json: bool
) -> None:
    """Measure reading tasks: how hard is the Chinese?"""
    from papers_pipeline.cli.evaluations import print_faults, print_figures, print_json
    from papers_pipeline.enrichment.stages.reading_task import ReadingTaskStage
    from papers_pipeline.evaluation.reading import evaluate_reading

    settings, clock = current_settings(), current_clock()
    stage = cast(ReadingTaskStage, _stage(settings, "reading_task"))
    days = first_and_last(first, last, clock)
    found = _Sources(settings, clock).answers(stage, answers, *days)
    report = evaluate_reading(stage, found, answers.name if answers else "stored")
    if as_json:
        print_json([report])
        return
    print_figures([report])
    print_faults(report, every)


def _stage(settings: Settings, asset: str) -> "AnyStage":
    from papers_pipeline.wiring import stages_of

    return as_usage(lambda: stages_of(settings))[asset]


@evaluate.command()
@click.option(
    "--labels",
    type=FILE,
    help="JSON lines of hand-labelled papers; by default those of the sample days.",
)
def affiliations(labels: Path | None) -> None:
    """Measure precision and recall of institutions on hand-labelled papers.

    The configured models read the title pages; answers that are missing are bought. A line is
    an object with `id`, `affiliations` and `author_affiliations`. The PDFs come from arXiv.
    """
    from papers_pipeline.base import loop
    from papers_pipeline.cli.reports import money
    from papers_pipeline.enrichment.stages.affiliations import AffiliationsStage
    from papers_pipeline.evaluation.affiliations import (
        SAMPLE_LABELS,
        evaluate_affiliations,
        load_labels,
    )
    from papers_pipeline.wiring import documents_of, models_of

    settings, clock = current_settings(), current_clock()
    labelled = as_usage(lambda: load_labels(labels or SAMPLE_LABELS))
    with documents_of(settings, clock) as documents:
        evaluating = evaluate_affiliations(
            cast(AffiliationsStage, _stage(settings, "affiliations")),
            labelled,
            documents=documents,
            models=models_of(settings, clock),
            clock=clock,
            concurrency=settings.llm_concurrency,
            progress=watcher(plain=True).of("labels"),
        )
        result = loop.run(evaluating)
    table = new_table(("",), ("found", "right", "expected", "precision", "recall"))
    for title, score in (("institutions", result.institutions), ("author links", result.links)):
        table.add_row(
            title,
            str(score.found),
            str(score.right),
            str(score.expected),
            f"{score.precision:.1%}",
            f"{score.recall:.1%}",
        )
    out.print(table)
    for arxiv_id, fault in result.faults.items():
        out.print(f"{arxiv_id}: {fault}", soft_wrap=True)
    for unread in result.unread:
        out.print(f"not read: {unread}", soft_wrap=True)
    calls, tokens, usd = money([result.spent])
    papers = f"{result.papers} papers, {len(result.unread)} not read"
    out.print(f"{papers}; {calls} calls, {tokens} tokens, USD {usd}")
