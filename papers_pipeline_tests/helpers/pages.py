"""Papers and days that a page is made of, and what a reader finds on it."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import html5lib
from upath import UPath

from papers_pipeline.records import (
    DailyIssue,
    Figure,
    IssueAuthor,
    IssueCounts,
    IssuePaper,
    IssueText,
    IssueTopics,
)
from papers_pipeline.site.render import Renderer
from papers_pipeline.store.lake import Lake, encode
from papers_pipeline.text.locales import load_locales

LANGUAGES = ("ru", "en", "zh")
LOCALES = load_locales(Path(__file__).parents[2] / "papers_pipeline" / "locales", LANGUAGES)
DAY = date(2025, 2, 6)
SEEN = datetime(2025, 2, 6, 8, 0, tzinfo=UTC)
XHTML = "{http://www.w3.org/1999/xhtml}"
HOSTILE = (
    '<script>alert(1)</script> {{ 7*7 }} "quoted" & $\\alpha_{i}$ <img src=x onerror=alert(2)>'
)

WRITTEN = {
    "ru": (
        "Мосты учатся считать ветер",
        "Авторы показывают, как мост из датчиков предсказывает порывы. Это дёшево.",
    ),
    "en": (
        "Bridges learn to count the wind",
        "The authors show how a bridge of sensors foresees gusts. It is cheap.",
    ),
    "zh": ("桥梁学会计算风", "作者展示了一座布满传感器的桥梁如何预测阵风。这种做法成本低廉。"),
}


def written(lang: str) -> IssueText:
    title, text = WRITTEN[lang]
    return IssueText(
        state="done",
        source="model",
        title=title,
        text=text,
        model="windy-1",
        prompt_version="abc123",
        created_at=SEEN,
    )


def paper(arxiv_id: str = "2502.00001", **changes) -> IssuePaper:
    fields = {
        "arxiv_id": arxiv_id,
        "title": "Sensor Bridges Foresee Gusts",
        "abstract": "We instrument an invented bridge and predict the wind.",
        "url": f"https://arxiv.org/abs/{arxiv_id}",
        "pdf_url": f"https://arxiv.org/pdf/{arxiv_id}",
        "listed_at": SEEN,
        "upvotes": 21,
        "authors": [IssueAuthor(name="Ada Example"), IssueAuthor(name="Bo Sample")],
        "institutions": ["Institute of Invented Bridges"],
        "institutions_source": "model",
        "topics": IssueTopics(names=["rl", "small_models"], source="model"),
        "emoji": "🌉",
        "summaries": {lang: written(lang) for lang in LANGUAGES},
    }
    return IssuePaper(**(fields | changes))


def issue(
    *papers: IssuePaper,
    state: str = "listed",
    list_state: str | None = None,
    previous: date | None = None,
    next: date | None = None,
) -> DailyIssue:
    return DailyIssue(
        date=DAY,
        state=state,
        list_state=list_state or state,
        counts=IssueCounts(papers=len(papers)),
        built_at=SEEN,
        previous=previous,
        next=next,
        papers=list(papers),
    )


def renderer(site_url: str | None = None, **options) -> Renderer:
    return Renderer(LANGUAGES, LOCALES, site_url, **options)


def parsed(html: str):
    """The tree of a page. Raises for any parse error of HTML5."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=True).parse(html)


def elements(html: str, tag: str):
    return list(parsed(html).iter(XHTML + tag))


def shown_as(text: str) -> str:
    """The text with each run of white space, no-break spaces too, as one space."""
    return re.sub(r"\s+", " ", text).strip()


def text_of(element) -> str:
    return shown_as("".join(element.itertext()))


def shown(html: str) -> str:
    return text_of(elements(html, "body")[0])


def links(html: str) -> list[str]:
    found = []
    for element in parsed(html).iter():
        for name in ("href", "src"):
            if element.get(name) is not None:
                found.append(element.get(name))
    return found


def every_case(**days: date) -> DailyIssue:
    """A day with a paper in each state that a page can show."""
    pending = {lang: IssueText(state="pending", reason="no_provider") for lang in LANGUAGES}
    standin = IssueText(
        state="pending",
        reason="no_provider",
        source="hf_ai_summary",
        text="A short AI text.",
        model="hf-mini",
    )
    failed = IssueText(state="failed", reason="refused")
    return issue(
        paper(
            "2502.00001",
            figures=[Figure(url="https://arxiv.org/html/2502.00001v1/x1.png", caption="A bridge.")],
        ),
        paper("2502.00002", summaries=pending, topics=IssueTopics(names=["cv"], source="keywords")),
        paper(
            "2502.00003",
            summaries={**pending, "en": standin},
            institutions_source="hf_organization",
        ),
        paper("2502.00004", summaries=dict.fromkeys(LANGUAGES, failed), emoji=None),
        paper("2502.00005", status="withdrawn", withdrawn_at=SEEN),
        paper(
            "2502.00006",
            status="gone",
            moved_to=date(2025, 2, 7),
            listed_on=[DAY, date(2025, 2, 5)],
        ),
        paper("2502.00007", status="gone"),
        paper(
            "2502.00008",
            abstract="",
            authors=[],
            institutions=[],
            topics=IssueTopics(),
            summaries={},
        ),
        paper("2502.00009", authors=[IssueAuthor(name=f"Author {n}") for n in range(1, 665)]),
        **days,
    )


def lake_of(folder: Path, *days: tuple[date, list[IssuePaper]]) -> Lake:
    """A lake below the folder with the issues of these days."""
    lake = Lake(UPath(folder / "lake"))
    for day, papers in days:
        stored = DailyIssue(
            date=day,
            state="listed",
            list_state="listed",
            counts=IssueCounts(),
            built_at=None,
            papers=papers,
        )
        path = lake.path("daily_issue", day.isoformat())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode([stored], DailyIssue))
    return lake
