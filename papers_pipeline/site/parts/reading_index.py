"""The reading tasks of all days by HSK level."""

from collections.abc import Iterator, Sequence
from functools import partial

from papers_pipeline.site.catalogue import Catalogue, ReadingCard, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.reading_pages import hsk_label
from papers_pipeline.site.render import Renderer

PATH = "reading/index.html"


def reading_index_pages(
    renderer: Renderer, catalogue: Catalogue, issues: IssueReader
) -> Iterator[Page]:
    """The index of reading tasks in each language."""
    tasks = [day.reading for day in catalogue.days if day.reading]
    for language in renderer.languages:
        shown = []
        for task in tasks:
            slogan = task.slogans.get(language)
            shown.append([str(task.day), task.title, task.level, slogan])
        make = partial(reading_index, renderer, tasks, language)
        yield Page(f"{language}/{PATH}", digest(shown), make)


def reading_index(renderer: Renderer, tasks: Sequence[ReadingCard], language: str) -> str:
    """The tasks of all days by level, for `<lang>/reading/index.html`."""
    levels = tasks_by_level(tasks)
    return renderer.page(
        "reading_index.html.j2", language, PATH, levels=levels, hsk_label=hsk_label
    )


def tasks_by_level(tasks: Sequence[ReadingCard]) -> list[tuple[int, list[ReadingCard]]]:
    """The tasks of each level: easiest level first, newest task first."""
    levels: dict[int, list[ReadingCard]] = {}
    for task in sorted(tasks, key=lambda task: task.day, reverse=True):
        levels.setdefault(task.level, []).append(task)
    return sorted(levels.items())
