"""Builds deliver days over the configured channels, and `papers deliver` does the same by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import dagster as dg
import pytest

from papers_pipeline import definitions
from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.defs.partitions import DAILY
from papers_pipeline.delivery.digest import Digest, DigestPaper
from papers_pipeline.delivery.preview import markdown
from papers_pipeline.records import DailyIssue
from papers_pipeline.sandbox import demo
from papers_pipeline.sandbox.mail import mail_running
from papers_pipeline.sandbox.telegram import visible_text
from papers_pipeline.sandbox.world import SAMPLE, Fault
from papers_pipeline.settings import SettingsError, load_settings
from papers_pipeline.store.lake import write
from papers_pipeline.wiring import channels_of, lake_of
from papers_pipeline_tests.conftest import LONG_AGO, Outside, Pipeline
from papers_pipeline_tests.helpers.pages import LOCALES
from papers_pipeline_tests.helpers.terminal import one_line, papers, start, wait_until

DAY = "2026-03-02"
EVERY_CHANNEL = {
    "PAPERS_TELEGRAM_TOKEN": "1:s3cret",
    "PAPERS_TELEGRAM_CHATS": "ru=@papers_ru,en=@papers_en",
    "PAPERS_EMAIL_LISTS": "en=en.txt",
    "PAPERS_EMAIL_SERVER": "mailto://127.0.0.1:9?from=papers@example.org&mode=insecure",
    "PAPERS_APPRISE_URLS": "en=json://127.0.0.1:9/s3cret",
}


@pytest.fixture
def telegram(bought: Pipeline, outside: Outside, monkeypatch) -> Pipeline:
    """A bought day, and a bot that may post it."""
    monkeypatch.setenv("TELEGRAM_ENDPOINT", outside.url)
    monkeypatch.setenv("PAPERS_TELEGRAM_TOKEN", "1:s3cret")
    monkeypatch.setenv("PAPERS_TELEGRAM_CHATS", "en=@papers_en")
    monkeypatch.setenv("PAPERS_SITE_URL", "https://papers.example.org")
    monkeypatch.setenv("PAPERS_DELIVER_DAYS", "31")
    return bought


@pytest.fixture
def email(bought: Pipeline, outside: Outside, monkeypatch, tmp_path: Path) -> Iterator[Pipeline]:
    """A bought day, and a list of one reader. The alarms have the mail server."""
    (tmp_path / "en.txt").write_text("ada@example.net\n")
    monkeypatch.setenv("PAPERS_EMAIL_LISTS", "en=en.txt")
    monkeypatch.setenv("PAPERS_DELIVER_DAYS", "31")
    with mail_running(outside.world) as url:
        monkeypatch.setenv("PAPERS_ALARM_URLS", f"json://127.0.0.1:9 {url}")
        yield bought


def build(pipeline: Pipeline, *assets: str) -> tuple[dict[str, dg.MetadataValue], bool]:
    """Build assets of the day; the metadata of the last, and whether its check passed."""
    (report,) = pipeline.build(DAY, only=assets, at=f"{LONG_AGO:%Y-%m-%dT%H:%M}")
    assert report.error is None
    asset = dg.AssetKey(assets[-1])
    (record,) = pipeline.instance.fetch_materializations(asset, limit=1).records
    checks = pipeline.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(asset, "delivered"), limit=1
    )
    evaluation = checks[0].event.dagster_event.event_specific_data
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    return record.asset_materialization.metadata, evaluation.passed


def test_each_configured_channel_is_an_asset_after_the_issue(monkeypatch):
    def assets() -> dict[str, dg.AssetKey]:
        nodes = definitions.load().resolve_asset_graph().asset_nodes
        return {node.key.to_user_string(): node for node in nodes if node.group_name == "delivery"}

    assert assets() == {}
    for name, value in EVERY_CHANNEL.items():
        monkeypatch.setenv(name, value)
    found = assets()
    assert set(found) == {"delivery_telegram", "delivery_email", "delivery_apprise"}
    for node in found.values():
        assert {key.to_user_string() for key in node.parent_keys} == {"daily_issue"}
        assert node.partitions_def == DAILY
        assert [check.name for check in node.check_keys] == ["delivered"]
        assert node.owners == ["team:papers"]


def test_a_build_posts_the_day_once_and_shows_it(telegram: Pipeline, outside: Outside):
    metadata, passed = build(telegram, "daily_issue", "delivery_telegram")
    assert (passed, metadata["sent"].value, metadata["papers"].value) == (True, 1, 2)
    (post,) = outside.world.posts
    assert post.chat == "@papers_en"
    preview = metadata["preview"]
    assert isinstance(preview, dg.MarkdownMetadataValue)
    for link in ("2603.10001", "2603.10002"):
        assert f"](https://papers.example.org/en/p/{link}.html)" in preview.value
        assert f'<a href="https://papers.example.org/en/p/{link}.html">' in post.text
    metadata, passed = build(telegram, "delivery_telegram")
    assert (passed, metadata["sent"].value, metadata["unchanged"].value) == (True, 0, 1)
    assert outside.world.asked["telegram sendMessage"] == 1


def test_a_preview_has_no_markup_of_others():
    title = "[evil](javascript:alert(1)) <b>*bold*</b> `code`"
    paper = DigestPaper(title, title, "https://papers.example.org", 3, "*")
    digest = Digest(LONG_AGO.date(), "listed", LOCALES["en"], None, [paper], 1)
    escaped = "\\[evil\\](javascript:alert(1)) \\<b\\>\\*bold\\*\\</b\\> \\`code\\`"
    assert markdown(digest).splitlines()[2:] == [
        f"\\* [{escaped}](https://papers.example.org) · 3 upvotes",
        "",
        escaped,
    ]


def test_a_failed_delivery_is_a_warning_and_the_day_is_built(telegram: Pipeline, monkeypatch):
    monkeypatch.setenv("TELEGRAM_ENDPOINT", "http://127.0.0.1:9")
    metadata, passed = build(telegram, "daily_issue", "daily_pages", "delivery_telegram")
    assert not passed
    assert metadata["sent"].value == 0
    assert telegram.page(DAY)


def test_letters_go_the_way_of_alarms(email: Pipeline, outside: Outside):
    metadata, passed = build(email, "delivery_email")
    assert (passed, metadata["sent"].value) == (True, 1)
    (letter,) = outside.world.letters
    assert letter.recipients == ["ada@example.net"]
    message = message_from_bytes(letter.content, policy=default)
    assert "https://arxiv.org/abs/2603.10001" in message.get_body(("plain",)).get_content()


def deliver(*arguments: str):
    return papers("deliver", "--date", DAY, *arguments)


def test_the_command_prints_exactly_what_goes_out(telegram: Pipeline, outside: Outside):
    result = deliver("--channel", "telegram", "--dry-run")
    assert result.exit_code == 0
    assert outside.world.posts == []
    heading, _, shown = result.stdout.partition("\n")
    assert heading.startswith("telegram en ")
    result = deliver("--channel", "telegram")
    assert (result.exit_code, result.stdout) == (0, "1 sent, 0 edited, 0 unchanged\n")
    assert shown.rstrip("\n") == outside.world.posts[0].text


def test_the_command_sends_again_only_if_it_is_told_to(telegram: Pipeline, outside: Outside):
    deliver("--channel", "telegram")
    assert deliver("--channel", "telegram").stdout == "0 sent, 0 edited, 1 unchanged\n"
    assert deliver("--channel", "telegram", "--again").stdout == "1 sent, 0 edited, 0 unchanged\n"
    assert len(outside.world.posts) == 2


def test_a_letter_is_printed_readably(email: Pipeline, outside: Outside):
    shown = deliver("--channel", "email", "--language", "en", "--dry-run").stdout
    assert "\nTo: ada@example.net\n" in shown
    assert "\n[text/plain]\nPapers of the Day\nMonday, March 2, 2026 · 2 papers\n" in shown
    assert "\n[text/html]\n<!doctype html>\n" in shown
    assert outside.world.letters == []


def test_the_command_in_a_report_sends_that_message(telegram: Pipeline, outside: Outside):
    outside.world.faults = [Fault("sendMessage", 502)]
    result = deliver("--channel", "telegram")
    assert result.exit_code == 1
    command = one_line(result.stderr).partition("`papers ")[2].partition("`")[0]
    assert papers(*command.split()).stdout == "1 sent, 0 edited, 0 unchanged\n"
    assert len(outside.world.posts) == 1
    assert deliver("--channel", "telegram").exit_code == 0


def test_the_command_names_what_it_does_not_know(telegram: Pipeline, monkeypatch):
    assert "these are: telegram" in one_line(deliver("--channel", "email").stderr)
    assert deliver("--channel", "email").exit_code == 2
    assert "telegram is set for en" in deliver("--channel", "telegram", "--language", "ru").stderr
    result = papers("deliver", "--channel", "telegram", "--date", "2026-03-03")
    assert result.exit_code == 2
    assert "papers build --date 2026-03-03" in one_line(result.stderr)
    monkeypatch.setenv("PAPERS_DELIVER_DAYS", "3")
    result = deliver("--channel", "telegram", "--again")
    assert "more than PAPERS_DELIVER_DAYS=3 days ago" in one_line(result.stdout)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PAPERS_TELEGRAM_CHATS", "@papers", "'@papers' is not <language>=<value>"),
        ("PAPERS_TELEGRAM_CHATS", "ru=@a,ru=@b", "ru has two values"),
        ("PAPERS_EMAIL_UNSUBSCRIBE", "mailto:a>\r\nBcc: b", "must be one address"),
        ("PAPERS_APPRISE_URLS", "json://s3cret", "an address is not <language>=<value>"),
        ("PAPERS_DELIVER_DAYS", "60", "less than or equal to 31"),
        ("TELEGRAM_ENDPOINT", "api.telegram.org", "must start with http"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(monkeypatch, name: str, value: str, message: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert name in str(caught.value)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PAPERS_TELEGRAM_TOKEN": ""}, "PAPERS_TELEGRAM_CHATS needs PAPERS_TELEGRAM_TOKEN"),
        ({"PAPERS_EMAIL_SERVER": ""}, "PAPERS_EMAIL_LISTS needs PAPERS_EMAIL_SERVER"),
        ({"PAPERS_EMAIL_LISTS": "es=es.txt"}, "the channel email names es, which is no language"),
    ],
)
def test_a_channel_configured_in_part_is_named(monkeypatch, changes: dict[str, str], message: str):
    for name, value in (EVERY_CHANNEL | changes).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OperatorError, match=message):
        channels_of(load_settings(), FixedClock(LONG_AGO))


@pytest.mark.slow
@pytest.mark.parametrize("channel", ["telegram", "email"])
def test_a_killed_sender_sends_once(
    channel: str, request: pytest.FixtureRequest, outside: Outside, monkeypatch
):
    """The message has gone out, but its sender waits for the answer when it is killed."""
    request.getfixturevalue(channel)
    # The process has the machine's clock, so the day is stored as of today.
    today = datetime.now(UTC).date()
    lake = lake_of(load_settings())
    (day,) = lake.read("daily_issue", DAY, DailyIssue)
    day = day.model_copy(update={"date": today, "state": "listed", "list_state": "listed"})
    write(lake.path("daily_issue", str(today)), [day], DailyIssue)
    matched = "sendMessage" if channel == "telegram" else "DATA"
    outside.world.faults = [Fault(matched, drip_seconds=60)]
    arguments = ("deliver", "--channel", channel, "--date", str(today))

    sender = start(*arguments)
    received = outside.world.posts if channel == "telegram" else outside.world.letters
    wait_until(lambda: received)
    sender.kill()
    sender.communicate()

    for _ in range(2):
        result = papers(*arguments, now=datetime.now(UTC))
        assert result.exit_code == 1
        assert "may have gone out (its sender ended before it knew)" in one_line(result.stderr)
    assert len(received) == 1


@pytest.mark.slow
def test_the_sample_days_are_received(pipeline: Pipeline, outside: Outside, monkeypatch, tmp_path):
    """As in the demo: an evening while the list grows, and the morning after all three days."""
    outside.world.folder = SAMPLE
    outside.offer(monkeypatch)
    monkeypatch.setenv("TELEGRAM_ENDPOINT", outside.url)
    for name, value in EVERY_CHANNEL.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "en.txt").write_text("ada@example.net\n")
    with mail_running(outside.world) as url:
        monkeypatch.setenv("PAPERS_EMAIL_SERVER", url)
        monkeypatch.setenv("PAPERS_APPRISE_URLS", f"en={url}")
        for now, days in (
            (demo.FIRST_EVENING, outside.world.days()[:1]),
            (demo.AFTERWARDS, outside.world.days()),
        ):
            outside.world.now = now
            pipeline.build(*map(str, days), at=f"{now:%Y-%m-%dT%H:%M}")
    posts = [(post.chat, len(post.versions)) for post in outside.world.posts]
    assert posts == [
        *(("@papers_ru", 2), ("@papers_en", 2)),
        *(("@papers_ru", 1), ("@papers_en", 1)) * 2,
    ]
    evening, morning = (visible_text(text) for text in outside.world.posts[1].versions)
    assert "24:00 UTC" in evening
    assert "24:00 UTC" not in morning
    letters = []
    for letter in outside.world.letters:
        letters.append(message_from_bytes(letter.content, policy=default))
    to_reader = [letter for letter in letters if letter["To"] == "ada@example.net"]
    assert [letter["Date"][:16] for letter in to_reader] == ["Thu, 05 Mar 2026"] * 3
    assert len(letters) == 6
    for number, day in enumerate(outside.world.days()):
        text = to_reader[number].get_body(("plain",)).get_content()
        post = outside.world.posts[2 * number + 1].text
        for paper in pipeline.issue(str(day)).papers:
            is_left_out = paper.moved_to or paper.status == "withdrawn"
            is_shown = bool(paper.summaries["en"].text and not is_left_out)
            assert (f"/{paper.arxiv_id}" in text) == is_shown
            assert (f"/{paper.arxiv_id}" in post) == is_shown
