"""Measures reading tasks: how hard is the Chinese really?"""

from collections.abc import Sequence

from papers_pipeline.enrichment.reading import annotate
from papers_pipeline.enrichment.stages.reading_task import ReadingTaskStage
from papers_pipeline.evaluation.answers import Answered
from papers_pipeline.evaluation.report import Figure, Report, count, middle, share
from papers_pipeline.llm.verdict import of_severity


def evaluate_reading(stage: ReadingTaskStage, answers: Sequence[Answered], source: str) -> Report:
    """The report on the Chinese sentences of reading tasks.

    The HSK share is that of the running words in the syllabus that are HSK 1 to 5. A harder word is
    one above, or one of unknown level; each counts once.
    """
    report = Report(source)
    shares = []
    harder = []
    vocabulary = []
    sentences = []
    refused = 0
    for answer in answers:
        output, _ = stage.repair(answer.output)
        verdict = stage.judge(output, answer.variables)
        if verdict.faults:
            report.faults[answer.arxiv_id] = list(verdict.faults)
        refused += bool(of_severity(verdict.faults, "fatal"))
        reading = annotate(output.sentences)
        shares.append(reading.simple_share)
        harder.append(len(reading.hard))
        vocabulary.append(len(reading.vocabulary))
        sentences.append(len(reading.sentences))
    report.figures = [
        count("texts", "texts", len(answers)),
        share("refused", "refused", refused, len(answers)),
        middle("simple_share", "HSK 1 to 5, median", shares, "share"),
        Figure(
            "least_simple_share",
            "HSK 1 to 5, lowest",
            min(shares, default=None),
            "share",
        ),
        middle("harder_words", "harder words of a text", harder),
        middle("vocabulary", "vocabulary of a text", vocabulary),
        middle("sentences", "sentences of a text", sentences),
    ]
    return report
