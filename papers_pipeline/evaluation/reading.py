"""Measures reading tasks: how hard is the Chinese really?"""

from collections.abc import Sequence

from papers_pipeline.enrichment.reading import SIMPLE, annotate
from papers_pipeline.enrichment.stages.reading_task import ReadingTaskStage
from papers_pipeline.evaluation.answers import Answered
from papers_pipeline.evaluation.report import Figure, Report, count, middle, share
from papers_pipeline.llm.verdict import of_severity
from papers_pipeline.records import ReadingSentence
from papers_pipeline.text import chinese


def evaluate_reading(stage: ReadingTaskStage, answers: Sequence[Answered], source: str) -> Report:
    """The report on the Chinese sentences of reading tasks.

    The HSK share is that of the running words in the syllabus that are HSK 1 to 5. A harder word is
    one above, or one that the syllabus does not list; each counts once.
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
        simple_share, hard = difficulty(reading.sentences)
        shares.append(simple_share)
        harder.append(hard)
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


def difficulty(sentences: Sequence[ReadingSentence]) -> tuple[float, int]:
    """The share of the listed running words that are simple, and the number of harder words."""
    running = []
    for sentence in sentences:
        running += [word.text for word in sentence.words if word.pinyin]
    levels = {word: chinese.level(word) for word in running}
    listed = [levels[word] for word in running if levels[word] is not None]
    simple = [level for level in listed if level is not None and level <= SIMPLE]
    harder = [word for word, level in levels.items() if level is None or level > SIMPLE]
    return (len(simple) / len(listed) if listed else 0.0), len(harder)
