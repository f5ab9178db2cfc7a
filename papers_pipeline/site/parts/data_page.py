"""The page that says which data files there are, and what each field holds."""

from collections.abc import Iterator
from functools import partial

from papers_pipeline.issue.export import LICENSE, LICENSE_URL
from papers_pipeline.records import ExportedPaper, ExportedText
from papers_pipeline.site.catalogue import Catalogue, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.periods import month_of
from papers_pipeline.site.render import Renderer

PATH = "data.html"


def data_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The page in each language."""
    months = sorted({month_of(day.date) for day in catalogue.days if day.papers}, reverse=True)
    fields = [field.alias or name for name, field in ExportedPaper.model_fields.items()]
    fields_of_text = list(ExportedText.model_fields)
    shown = [[str(month.first) for month in months], fields, fields_of_text, LICENSE]
    data = {
        "months": months,
        "fields": fields,
        "fields_of_text": fields_of_text,
        "license": LICENSE,
        "license_url": LICENSE_URL,
    }
    for language in renderer.languages:
        make = partial(renderer.page, "data.html.j2", language, PATH, data=data)
        yield Page(f"{language}/{PATH}", digest(shown), make)
