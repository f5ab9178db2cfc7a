"""What can go wrong, drawn from a seed: the outside world, the disk, the operator."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from papers_pipeline.prompts.prompt import PACKAGED
from papers_pipeline.sandbox.world import Fault, Reply, World
from papers_pipeline_tests.chaos.books import Books

PLACES = ("/api/daily_papers", "/openai/", "/mistral/", "/anthropic/", "/pdf/", "/html/", "/")
PROVIDERS = ("/openai/", "/mistral/", "/anthropic/")
STATUSES = (400, 403, 404, 418, 500, 502, 503)
NO_ANSWERS = ("<html>Bad gateway", "{", "[1,", "null", '{"error": 1}', "\ufffd\x00", '""', "[[]]")
STEERING = "\x1b[2J\u202e\u2066\x07"
KEPT_FOLDERS = ("site", "purchases", "logs", "attempts", "lake")


def http_error(random: Random, world: World) -> None:
    fault(random, world, PLACES, status=random.choice(STATUSES))


def too_many_requests(random: Random, world: World) -> None:
    after = random.choice(["0", "1", "soon", "-1", ""])
    fault(random, world, PLACES, status=429, headers={"Retry-After": after})


def long_pause(random: Random, world: World) -> None:
    fault(random, world, PROVIDERS, status=429, headers={"Retry-After": "7200"})


def unauthorized(random: Random, world: World) -> None:
    fault(random, world, PROVIDERS, status=401, most_times=40)


def late(random: Random, world: World) -> None:
    fault(random, world, PLACES, seconds=3.0, most_times=2)


def cut(random: Random, world: World) -> None:
    fault(random, world, PLACES, cut_after=random.randint(0, 400))


def drip(random: Random, world: World) -> None:
    fault(random, world, PLACES, drip_seconds=0.1, most_times=2)


def malformed(random: Random, world: World) -> None:
    fault(random, world, PLACES, body=random.choice(NO_ANSWERS))


def no_answer(random: Random, world: World) -> None:
    kind = random.choice(["refusal", "truncated", "malformed", "html", "empty", "text"])
    world.replies.append(Reply(kind, times=random.randint(1, 6)))  # type: ignore[arg-type]


def wrong_answer(random: Random, world: World) -> None:
    """Fields that no prompt asks for, another language, invented numbers, or control characters."""
    texts = ("", "42 % better than GPT-9.", "猫" * 90, f"Hello {STEERING} there.", "a" * 5000)
    text = random.choice(texts)
    content = random.choice([{}, {"title": text, "text": text, "emoji": "x"}, {"topics": [text]}])
    world.replies.append(Reply(content=content, times=random.randint(1, 6)))


def uncounted(random: Random, world: World) -> None:
    world.replies.append(Reply(reports_usage=False, times=3))


def fault(
    random: Random,
    world: World,
    places: tuple[str, ...],
    *,
    most_times: int = 6,
    status: int = 200,
    body: str = "",
    headers: dict[str, str] | None = None,
    seconds: float = 0.0,
    cut_after: int | None = None,
    drip_seconds: float = 0.0,
) -> None:
    world.faults.append(
        Fault(
            random.choice(places),
            status,
            body,
            headers or {},
            seconds,
            random.randint(1, most_times),
            cut_after,
            drip_seconds,
        )
    )


OUTSIDE: tuple[Callable[[Random, World], None], ...] = (
    *(http_error, too_many_requests, long_pause, unauthorized, late, cut, drip, malformed),
    *(no_answer, wrong_answer, uncounted),
)
"""Troubles of the outside world. Each is gone after some requests, or at the end of the tick."""


def damage_files(random: Random, books: Books) -> tuple[str, Sequence[Path]]:
    """Cut, empty, or flip a bit of a few stored files. Returns the kind of damage, and which."""
    before = books.answered()
    kind = random.choice(["cut file", "emptied file", "flipped bit", "deleted file"])
    names = ["lake/*/*.parquet", "lake/*.*", "site/**/*.*", "purchases/*/*/*.json"]
    files = sorted(path for path in books.data.glob(random.choice(names)) if path.is_file())
    chosen = random.sample(files, min(len(files), random.randint(1, 4)))
    for path in chosen:
        data = path.read_bytes()
        if kind == "deleted file":
            books.spoil(path, None)
        elif kind == "flipped bit" and data:
            place = random.randrange(len(data))
            flipped = data[place] ^ 1 << random.randrange(8)
            books.spoil(path, data[:place] + bytes([flipped]) + data[place + 1 :])
        else:
            books.spoil(path, data[: len(data) // 2] if kind == "cut file" else b"")
    books.destroy(before)
    return kind, chosen


def delete_folder(random: Random, books: Books) -> tuple[str, Sequence[Path]]:
    """Delete a folder of the data, or one inside it. Returns the kind of damage, and which."""
    before = books.answered()
    folder = books.data / random.choice(KEPT_FOLDERS)
    inside = sorted(path for path in folder.glob("*") if path.is_dir()) if folder.exists() else []
    # The responses are all that is known of papers that have left the lists.
    inside = [path for path in inside if path.name != "feed_response"]
    if inside and (folder.name == "lake" or random.random() < 0.7):
        folder = random.choice(inside)
    for path in folder.rglob("*"):
        if path.is_file():
            books.spoil(path, None)
    shutil.rmtree(folder, ignore_errors=True)
    books.destroy(before)
    return "deleted folder", [folder]


def edit_prompt(random: Random, folder: Path) -> str:
    """Edit a prompt, or put an earlier one back. Returns the kind."""
    name = random.choice(["summary.en.md", "summary.ru.md", "topic_tags.md"])
    words = random.choice(["", "Write plainly.", "Write calmly."])
    if not words:
        (folder / name).unlink(missing_ok=True)
        return "prompt put back"
    text = (PACKAGED / name).read_text(encoding="utf-8")
    end = "{% endblock %}"
    (folder / name).write_text(text.replace(end, f"{words}\n{end}", 1), encoding="utf-8")
    return "prompt edited"
