"""Issues of as many days and papers as a benchmark wants, made from the texts of the sample days; the same for the same
numbers."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

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
FIRST = date(2024, 1, 1)


def issues(days: int, papers: int) -> Iterator[DailyIssue]:
    """Issues of so many weekdays with so many papers each."""
    random_ = random.Random(1)
    samples = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(ANSWERS.glob("*.yaml"))
    ]
    weekdays = [
        day for number in range(2 * days) if (day := FIRST + timedelta(days=number)).weekday() < 5
    ][:days]
    for number, day in enumerate(weekdays):
        ids = [f"{day:%y%m}.{number % 100 * 100 + paper:05}" for paper in range(papers)]
        made = [_paper(random_, it, day, samples) for it in ids]
        yield DailyIssue(
            date=day,
            state="listed",
            list_state="listed",
            counts=IssueCounts(papers=papers),
            built_at=_at(day),
            previous=weekdays[number - 1] if number else None,
            next=weekdays[number + 1] if number + 1 < days else None,
            papers=sorted(made, key=lambda paper: (-paper.upvotes, paper.arxiv_id)),
        )


def _paper(random_: random.Random, arxiv_id: str, day: date, samples: list[dict]) -> IssuePaper:
    sample, other = random_.sample(samples, 2)
    institutions = [
        f"{name} {random_.randint(1, 60)}" for name in sample["affiliations"]["institutions"]
    ][:4]
    names = [f"{name} {arxiv_id[-3:]}" for name in sample["affiliations"]["authors"]]
    return IssuePaper(
        arxiv_id=arxiv_id,
        version=1,
        title=f"{other['en']['title']}: {sample['en']['title'].lower()} ({arxiv_id})",
        abstract=f"{sample['en']['text']} {other['en']['text']}",
        url=f"https://arxiv.org/abs/{arxiv_id}",
        pdf_url=f"https://arxiv.org/pdf/{arxiv_id}",
        code_url=f"https://github.com/example/{arxiv_id}" if random_.random() < 0.4 else None,
        thumbnail=f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{arxiv_id}.png",
        published_at=_at(day) - timedelta(days=random_.randint(1, 6)),
        listed_at=_at(day) + timedelta(minutes=random_.randint(0, 600)),
        listed_on=[day],
        upvotes=min(300, int(random_.paretovariate(1.1) * 4)),
        comments=random_.randint(0, 5),
        authors=[IssueAuthor(name=name, institutions=institutions[:1]) for name in names],
        institutions=institutions,
        institutions_source="model",
        topics=IssueTopics(names=[topic.lower() for topic in sample["topics"]], source="model"),
        emoji=sample["ru"]["emoji"],
        figures=[
            _figure(random_, arxiv_id, number, other) for number in range(random_.randint(0, 8))
        ],
        summaries={
            language: _text(random_, language, sample, other, arxiv_id, day)
            for language in LANGUAGES
        },
    )


def _text(
    random_: random.Random, language: str, sample: dict, other: dict, arxiv_id: str, day: date
) -> IssueText:
    stop = "。" if language == "zh" else ". "
    sentences = [
        *sample[language]["text"].rstrip(" .。").split(stop),
        *other[language]["text"].rstrip(" .。").split(stop),
    ]
    text = stop.join(random_.sample(sentences, min(4, len(sentences)))).strip() + stop.strip()
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


def _figure(random_: random.Random, arxiv_id: str, number: int, sample: dict) -> Figure:
    caption = f"Figure {number + 1}: {random_.choice(sample['en']['text'].split('. '))}"
    return Figure(
        url=f"https://arxiv.org/html/{arxiv_id}v1/x{number + 1}.png",
        caption=caption,
        section="1 Introduction",
    )


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
