"""Issues made from the texts of the sample days, for any number of days and papers.

The same numbers always give the same issues.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from papers_pipeline.records import (
    DailyIssue,
    Figure,
    IssueAuthor,
    IssueCounts,
    IssuePaper,
    IssueText,
    IssueTopics,
)

ANSWERS = Path(__file__).parent.parent / "data" / "sample" / "answers"
LANGUAGES = ("ru", "en", "zh")
MOST_INSTITUTIONS = 4
MOST_SENTENCES = 4
FIRST_DAY = date(2024, 1, 1)
SATURDAY = 5


def issues(days: int, papers: int) -> Iterator[DailyIssue]:
    """The issues of `days` consecutive weekdays with `papers` papers each."""
    generator = random.Random(1)
    samples = []
    for path in sorted(ANSWERS.glob("*.yaml")):
        samples.append(yaml.safe_load(path.read_text(encoding="utf-8")))
    dates = weekdays(days)
    for number, day in enumerate(dates):
        generated = []
        for paper_number in range(papers):
            arxiv_id = f"{day:%y%m}.{number % 100 * 100 + paper_number:05}"
            generated.append(_paper(generator, arxiv_id, day, samples))
        generated.sort(key=lambda paper: (-paper.upvotes, paper.arxiv_id))
        yield DailyIssue(
            date=day,
            state="listed",
            list_state="listed",
            counts=IssueCounts(papers=papers),
            built_at=_at(day),
            previous=dates[number - 1] if number else None,
            next=dates[number + 1] if number + 1 < days else None,
            papers=generated,
        )


def weekdays(count: int) -> list[date]:
    """The first days from Monday to Friday."""
    found: list[date] = []
    day = FIRST_DAY
    while len(found) < count:
        if day.weekday() < SATURDAY:
            found.append(day)
        day += timedelta(days=1)
    return found


def _paper(
    generator: random.Random, arxiv_id: str, day: date, samples: list[dict[str, Any]]
) -> IssuePaper:
    sample, other = generator.sample(samples, 2)
    institutions = []
    for name in sample["affiliations"]["institutions"]:
        institutions.append(f"{name} {generator.randint(1, 60)}")
    institutions = institutions[:MOST_INSTITUTIONS]
    names = [f"{name} {arxiv_id[-3:]}" for name in sample["affiliations"]["authors"]]
    return IssuePaper(
        arxiv_id=arxiv_id,
        version=1,
        title=f"{other['en']['title']}: {sample['en']['title'].lower()} ({arxiv_id})",
        abstract=f"{sample['en']['text']} {other['en']['text']}",
        url=f"https://arxiv.org/abs/{arxiv_id}",
        pdf_url=f"https://arxiv.org/pdf/{arxiv_id}",
        code_url=f"https://github.com/example/{arxiv_id}" if generator.random() < 0.4 else None,
        thumbnail=f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{arxiv_id}.png",
        published_at=_at(day) - timedelta(days=generator.randint(1, 6)),
        listed_at=_at(day) + timedelta(minutes=generator.randint(0, 600)),
        listed_on=[day],
        upvotes=min(300, int(generator.paretovariate(1.1) * 4)),
        comments=generator.randint(0, 5),
        authors=[IssueAuthor(name=name, institutions=institutions[:1]) for name in names],
        institutions=institutions,
        institutions_source="model",
        topics=IssueTopics(names=[topic.lower() for topic in sample["topics"]], source="model"),
        emoji=sample["ru"]["emoji"],
        figures=[
            _figure(generator, arxiv_id, number, other) for number in range(generator.randint(0, 8))
        ],
        summaries={
            language: _text(generator, language, sample, other, arxiv_id, day)
            for language in LANGUAGES
        },
    )


def _text(
    generator: random.Random,
    language: str,
    sample: dict[str, Any],
    other: dict[str, Any],
    arxiv_id: str,
    day: date,
) -> IssueText:
    """A text of sentences drawn from two samples."""
    stop = "。" if language == "zh" else ". "
    sentences = sample[language]["text"].rstrip(" .。").split(stop)
    sentences += other[language]["text"].rstrip(" .。").split(stop)
    drawn = generator.sample(sentences, min(MOST_SENTENCES, len(sentences)))
    text = stop.join(drawn).strip() + stop.strip()
    return IssueText(
        state="done",
        source="model",
        title=f"{sample[language]['title']} ({arxiv_id})",
        text=text,
        provider="openai",
        model="gpt-6-luna",
        prompt_version="0123456789ab",
        created_at=_at(day),
    )


def _figure(generator: random.Random, arxiv_id: str, number: int, sample: dict[str, Any]) -> Figure:
    caption = f"Figure {number + 1}: {generator.choice(sample['en']['text'].split('. '))}"
    return Figure(
        url=f"https://arxiv.org/html/{arxiv_id}v1/x{number + 1}.png",
        caption=caption,
        section="1 Introduction",
    )


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
