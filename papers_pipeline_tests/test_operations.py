"""The operator's tools inside Dagster: schedules, sensors, checks, the plan and its job."""

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest

# Parts of the daemon's loops (Dagster 1.13.27): nothing public runs such a loop just once.
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.test_utils import create_run_for_test, load_remote_repo
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._scheduler.scheduler import ScheduleIterationTimes, launch_scheduled_runs

from papers_pipeline import definitions, home
from papers_pipeline.defs.operations import submit
from papers_pipeline.defs.schedules import TODAY_FIRST
from papers_pipeline.enrichment.plan import to_refresh
from papers_pipeline.sandbox.world import SAMPLE, Fault, Reply
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import planner_of
from papers_pipeline_tests.helpers.building import Pipeline, overlay_prompt
from papers_pipeline_tests.helpers.outside import (
    READING,
    STAGES,
    SUMMARIES,
    WRITTEN,
    Outside,
    calls_for,
    entry,
    kettles,
)
from papers_pipeline_tests.helpers.pages import shown_as
from papers_pipeline_tests.helpers.terminal import one_line, papers

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"


def repository(pipeline: Pipeline) -> dg.RepositoryDefinition:
    return definitions.load(pipeline.clock).get_repository_def()


def checks(pipeline: Pipeline, day: str) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    """The evaluation of each check of a run of the whole day, by asset and check."""
    evaluations = pipeline.run_job("build_day", day).get_asset_check_evaluations()
    return {(check.asset_key.to_user_string(), check.check_name): check for check in evaluations}


# Schedules


def tick(pipeline: Pipeline, name: str, at: str) -> list[dg.RunRequest]:
    schedule = repository(pipeline).get_schedule_def(name)
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime.fromisoformat(at).replace(tzinfo=UTC),
        repository_def=repository(pipeline),
    )
    return schedule.evaluate_tick(context).run_requests


def test_every_schedule_is_off_until_switched_on_and_in_utc(pipeline: Pipeline):
    for schedule in repository(pipeline).schedule_defs:
        assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
        assert schedule.execution_timezone == "UTC"


def test_every_schedule_and_sensor_is_described_where_it_is_switched_on(pipeline: Pipeline):
    for automation in (*repository(pipeline).schedule_defs, *repository(pipeline).sensor_defs):
        assert automation.description


def test_today_is_built_every_two_hours_on_weekdays(pipeline: Pipeline):
    assert (
        repository(pipeline).get_schedule_def("today_every_two_hours").cron_schedule
        == "0 */2 * * 1-5"
    )
    (run,) = tick(pipeline, "today_every_two_hours", f"{DAY}T14:00")
    assert (run.partition_key, run.run_key) == (DAY, f"today {DAY}T14")
    (later,) = tick(pipeline, "today_every_two_hours", f"{DAY}T16:00")
    assert later.run_key != run.run_key


def test_the_last_14_days_are_built_every_night_behind_today(pipeline: Pipeline):
    runs = tick(pipeline, "last_days_nightly", "2026-03-20T03:00")
    assert [run.partition_key for run in runs] == [
        f"2026-03-{20 - back:02}" for back in range(1, 15)
    ]
    assert len({run.run_key for run in runs}) == 14
    (today,) = tick(pipeline, "today_every_two_hours", "2026-03-20T04:00")
    assert int(today.tags["dagster/priority"]) > int(runs[0].tags["dagster/priority"]) > 0


def test_what_is_old_is_deleted_every_night(pipeline: Pipeline):
    (run,) = tick(pipeline, "prune_nightly", "2026-03-20T04:30")
    assert run.run_key == "prune 2026-03-20"


@pytest.fixture
def daemon() -> Iterator[WorkspaceProcessContext]:
    """What the daemon works on, with the packaged `dagster.yaml`; runs are noted, never started."""
    config = home.prepare(load_settings()) / "dagster.yaml"
    launcher = {"module": "dagster._core.test_utils", "class": "MockedRunLauncher"}
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}\nrun_launcher: {json.dumps(launcher)}\n", encoding="utf-8")
    code = LoadableTargetOrigin(module_name="papers_pipeline.definitions", attribute="defs")
    target = InProcessWorkspaceLoadTarget(
        InProcessCodeLocationOrigin(code, location_name="papers_pipeline")
    )
    with (
        home.instance(load_settings()) as instance,
        WorkspaceProcessContext(instance, target) as context,
    ):
        yield context


def test_the_queue_is_looked_at_every_second_and_keeps_its_limits(daemon: WorkspaceProcessContext):
    coordinator = daemon.instance.run_coordinator
    assert isinstance(coordinator, QueuedRunCoordinator)
    assert coordinator.dequeue_interval_seconds == 1
    limits = daemon.instance.get_concurrency_config().run_queue_config
    assert limits is not None
    assert limits.max_concurrent_runs == 2
    keys = [limit["key"] for limit in limits.tag_concurrency_limits]
    assert keys == ["dagster/partition", "papers/site"]


def test_ticks_missed_while_the_machine_slept_are_run_once(daemon: WorkspaceProcessContext):
    repository = load_remote_repo(daemon, "__repository__")
    for name in ("today_every_two_hours", "prune_nightly"):
        daemon.instance.start_schedule(repository.get_schedule(name))
    next_week = datetime.now(UTC) + timedelta(days=14 - datetime.now(UTC).weekday())
    awake = next_week.replace(hour=15, minute=7)
    schedulers: dict[str, ScheduleIterationTimes] = {}
    for _ in range(2):
        list(launch_scheduled_runs(daemon, logging.getLogger(), awake, schedulers))
    runs = {
        run.tags["dagster/schedule_name"]: run.tags["dagster/run_key"]
        for run in daemon.instance.get_runs()
    }
    assert daemon.instance.get_runs_count() == 2
    assert runs == {
        "today_every_two_hours": f"today {awake:%Y-%m-%d}T14",
        "prune_nightly": f"prune {awake:%Y-%m-%d}",
    }


def test_a_day_never_runs_twice_at_once_and_today_waits_for_one_day_of_a_backfill(
    daemon: WorkspaceProcessContext,
):
    instance = daemon.instance
    repository = load_remote_repo(daemon, "__repository__")
    job = repository.get_full_job("build_day")

    def queue(day: str, priority: int = 0) -> str:
        tags = {"dagster/partition": day, "dagster/priority": str(priority)}
        run = create_run_for_test(
            instance,
            job_name="build_day",
            tags=tags,
            status=dg.DagsterRunStatus.NOT_STARTED,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
        )
        instance.submit_run(run.run_id, daemon.create_request_context())
        return run.run_id

    def at_work() -> set[str]:
        list(QueuedRunCoordinatorDaemon(interval_seconds=1).run_iteration(daemon))
        return {
            run.run_id
            for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING]))
        }

    def end(run_id: str) -> None:
        instance.report_run_canceled(instance.get_run_by_id(run_id))

    first, same_day, second, third = (queue(day) for day in (DAY, DAY, NEXT_DAY, "2026-03-04"))
    assert at_work() == {first, second}
    today = queue("2026-03-20", TODAY_FIRST)
    end(second)
    assert at_work() == {first, today}
    end(today)
    assert at_work() == {first, third}
    end(first)
    assert at_work() == {same_day, third}


# Sensors


def test_months_weeks_and_index_follow_new_issues_once_and_wait_for_days_under_way(
    outside: Outside, pipeline: Pipeline
):
    outside.list(DAY, kettles(1))
    outside.list("2026-04-01", kettles(2))
    outside.world.now = datetime(2026, 4, 2, tzinfo=UTC)
    pipeline.build(DAY, "2026-04-01", at="2026-04-02T01:00")
    sensor = repository(pipeline).get_sensor_def("site_follows")

    def tick(cursor: str | None = None):
        context = dg.build_sensor_context(
            instance=pipeline.instance,
            cursor=cursor,
            repository_def=repository(pipeline),
            resources={"lake": pipeline.lake, "clock": pipeline.clock},
        )
        return sensor.evaluate_tick(context)

    another_day = create_run_for_test(
        pipeline.instance, job_name="build_day", status=dg.DagsterRunStatus.STARTED
    )
    assert tick().run_requests == []
    evening = pipeline.clock.moment
    pipeline.clock.moment = datetime.now(UTC) + timedelta(minutes=11)
    assert tick().run_requests
    pipeline.clock.moment = evening
    pipeline.instance.report_run_canceled(another_day)

    first = tick()
    again = tick(first.cursor)
    assert {(run.job_name, run.partition_key) for run in first.run_requests} == {
        ("build_month", "2026-03-01"),
        ("build_month", "2026-04-01"),
        ("build_week", "2026-03-02"),
        ("build_week", "2026-03-30"),
        ("build_site", None),
    }
    assert again.run_requests == []


class Hook:
    """An incoming webhook on loopback that keeps the messages it receives."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if hook.status == 200:
                    hook.told.append(message["text"])
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def hook(monkeypatch) -> Iterator[Hook]:
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("PAPERS_WEBHOOK_URL", made.url)
    yield made
    made.server.shutdown()
    made.server.server_close()


def list_alarms(pipeline: Pipeline, cursor: str | None = None) -> str | None:
    """Look at the lists of the week; returns the cursor afterwards."""
    context = dg.build_sensor_context(
        instance=pipeline.instance,
        cursor=cursor,
        resources={"settings": load_settings(), "lake": pipeline.lake, "clock": pipeline.clock},
    )
    return repository(pipeline).get_sensor_def("list_alarms").evaluate_tick(context).cursor


def test_a_stalled_day_is_reported_once(outside: Outside, pipeline: Pipeline, hook: Hook):
    outside.list(DAY, [])
    pipeline.build_day(DAY, at=f"{NEXT_DAY}T06:00")
    list_alarms(pipeline, list_alarms(pipeline))
    assert hook.told == [f"papers_pipeline: the list of {DAY}, a working day, is empty"]


def test_a_message_that_was_not_accepted_is_sent_at_the_next_look(
    outside: Outside, pipeline: Pipeline, hook: Hook
):
    outside.list(DAY, [])
    pipeline.build_day(DAY, at=f"{NEXT_DAY}T06:00")
    hook.status = 500
    cursor = list_alarms(pipeline)
    assert cursor is None
    hook.status = 200
    list_alarms(pipeline, list_alarms(pipeline, cursor))
    assert hook.told == [f"papers_pipeline: the list of {DAY}, a working day, is empty"]


def test_a_failed_run_is_told(outside: Outside, pipeline: Pipeline, hook: Hook):
    outside.world.faults.append(Fault("daily_papers", 404, "{}"))
    result = pipeline.run_job("build_day", DAY)
    (event,) = (
        event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE"
    )
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_runs",
        dagster_event=event,
        dagster_instance=pipeline.instance,
        dagster_run=result.dagster_run,
        resources={"settings": load_settings()},
    ).for_run_failure()
    repository(pipeline).get_sensor_def("failed_runs")(context)
    (told,) = hook.told
    assert told.startswith(f"papers_pipeline: build_day {DAY} failed: feed_response: {DAY}: ")
    assert "answered 404" in told


# Checks


def test_a_good_day_passes_every_check(outside: Outside, pipeline: Pipeline, monkeypatch):
    outside.world.folder = SAMPLE
    outside.offer(monkeypatch)
    found = checks(pipeline, DAY)
    assert {name for name, check in found.items() if not check.passed} == set()
    assert set(found) == {
        ("feed_listing", "entries_read"),
        ("daily_issue", "list_state"),
        ("paper_pdfs", "pdfs_available"),
        ("parsed_text", "texts_read"),
        ("daily_pages", "files_present"),
        *((asset, "providers_answer") for asset in STAGES),
        *((asset, "complete") for asset in STAGES),
        *((asset, "in_language") for asset in SUMMARIES),
        *((asset, "verified") for asset in (*SUMMARIES, "reading_task")),
    }


def test_a_bad_day_says_what_is_wrong_and_how_badly(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, kettles(1, 2, 3))
    outside.offer(monkeypatch)
    outside.world.replies.append(Reply("refusal", language="ru", title="Kettle", times=99))
    outside.world.replies.append(Reply("refusal", language="zh", title="Kettle 2", times=99))
    found = checks(pipeline, DAY)
    severities = {name: check.severity.value for name, check in found.items() if not check.passed}
    assert severities == {
        ("paper_pdfs", "pdfs_available"): "ERROR",
        ("parsed_text", "texts_read"): "ERROR",
        ("summaries_ru", "complete"): "ERROR",
        ("summaries_zh", "complete"): "WARN",
    }
    (row,) = found["summaries_zh", "complete"].metadata["papers_without"].value.records
    assert (row.data["arxiv_id"], row.data["state"]) == ("2603.10002", "failed")


UNVERIFIED = {
    "en": (
        "A kettle that warns early",
        "Kettles whistle late. A regressor predicts boiling. It needs a minute. It is 97% right.",
        "Unverified: the paper’s title and abstract do not mention 97%.",
        "1 text has unverified details",
    ),
    "ru": (
        "Чайник предупреждает заранее",
        "Чайники свистят слишком поздно. Авторы предсказывают кипение по звуку. "
        "Для этого обучена регрессия. Её точность равна 97%.",
        "Не проверено: в названии и аннотации статьи нет 97 %.",
        "1 текст с непроверенными данными",
    ),
    "zh": (
        "水壶提前预警",
        "水壶鸣响太晚。作者用回归模型预测沸腾时间。模型只需一分钟的声音。它的准确率为 97%。",
        "未经核实：论文标题和摘要中没有 97%。",
        "1 篇文字含未经核实的内容",
    ),
}


@pytest.fixture
def unverified(outside: Outside, pipeline: Pipeline, monkeypatch) -> Pipeline:
    """A day with two papers; the models insist on a number that the first does not have."""
    monkeypatch.setenv("PAPERS_SITE_URL", "https://papers.example")
    outside.list(DAY, kettles(1, 2))
    outside.offer(monkeypatch)
    for language, (title, text, _, _) in UNVERIFIED.items():
        content = {"title": title, "text": text}
        if language == "ru":
            content["emoji"] = "🫖"
        reply = Reply(content=content, language=language, title="Kettle 1", times=99)
        outside.world.replies.append(reply)
    return pipeline


def test_a_number_that_the_abstract_lacks_is_marked_wherever_the_text_stands(
    unverified: Pipeline,
):
    unverified.build(DAY)
    marked, clean = unverified.json(DAY)["papers"]
    for language, (_, text, mark, count) in UNVERIFIED.items():
        assert marked["summaries"][language]["text"] == text
        assert marked["summaries"][language]["unverified"] == ["97%"]
        assert "unverified" not in clean["summaries"][language]
        day = shown_as(unverified.page(DAY, language))
        assert (day.count(mark), day.count(count)) == (1, 1)
        site = unverified.data / "site" / language
        for name in ("p/2603.10001.html", "feed.xml", "feed.json"):
            assert shown_as((site / name).read_text()).count(mark) == 1, name
        assert mark not in shown_as((site / "p/2603.10002.html").read_text())


def test_a_number_that_the_abstract_lacks_is_reported_to_the_operator(unverified: Pipeline):
    found = checks(unverified, DAY)["summaries_en", "verified"]
    assert (found.passed, found.severity.value) == (False, "WARN")
    assert found.metadata["2603.10001"].value == "not in title or abstract: 97%"
    assert papers("costs").stdout.splitlines()[-1] == "unverified texts: 3"
    assert json.loads(papers("costs", "--json").stdout)["unverified_texts"] == 3
    assert json.loads(papers("costs", "--json", "--to", "2026-03-19").stdout) == {
        "rows": [],
        "unverified_texts": 0,
    }
    shown = one_line(papers("show", "2603.10001").stdout)
    fault = '(unverified, number) The number "97%" occurs neither in the abstract nor in the title'
    assert f"published with {fault}" in shown


# The plan


def test_refresh_stale_submits_exactly_the_plan_and_not_twice(
    outside: Outside, pipeline: Pipeline, monkeypatch, tmp_path: Path
):
    outside.list(DAY, kettles(1, 2))
    outside.list(NEXT_DAY, kettles(3))
    outside.offer(monkeypatch)
    pipeline.build(DAY, NEXT_DAY)
    outside.calls()
    overlay_prompt(tmp_path, monkeypatch, "summary.ru.md", "Точно и живо", "Просто и живо")
    graph = definitions.load(pipeline.clock).resolve_asset_graph()
    planner = planner_of(load_settings(), pipeline.clock)
    assets = planner.refresh_assets(to_refresh(planner.plan()))
    assert assets == {
        name: [DAY, NEXT_DAY] for name in ("summaries_ru", "daily_issue", "daily_pages")
    }
    assert pipeline.run_job("refresh_stale").success  # a dry run, unless its config says otherwise
    assert pipeline.instance.get_backfills() == []
    assert submit(pipeline.instance, graph, assets, "run").startswith("Submitted as backfill ")
    for run in ("run", "another run, while the first is at work"):
        answer = submit(pipeline.instance, graph, assets, run)
        assert answer.startswith("This plan was already submitted")
    (backfill,) = pipeline.instance.get_backfills()
    subset = backfill.asset_backfill_data.target_subset
    targets = {
        key.to_user_string(): sorted(subset.get_partitions_subset(key).get_partition_keys())
        for key in subset.asset_keys
    }
    assert targets == assets
    assert outside.calls() == {}


def test_the_plan_is_an_asset_with_a_check(bought: Pipeline, monkeypatch, tmp_path: Path):
    def plan() -> tuple[bool, dict]:
        defs = definitions.load(bought.clock)
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=bought.instance, asset_selection=[dg.AssetKey("refresh_plan")]
        )
        (check,) = result.get_asset_check_evaluations()
        (event,) = result.get_asset_materialization_events()
        metadata = event.materialization.metadata
        return check.passed, {name: value.value for name, value in metadata.items()}

    passed, metadata = plan()
    assert (passed, metadata["behind"], metadata["calls"]) == (True, 0, 0)
    overlay_prompt(tmp_path, monkeypatch, "summary.ru.md", "Точно и живо", "Просто и живо")
    passed, metadata = plan()
    assert (passed, metadata["behind"], metadata["calls"]) == (False, 1, 2)
    assert metadata["usd"] > 0


# Logs, costs, comparison


def test_every_run_has_a_plain_log(outside: Outside, pipeline: Pipeline, monkeypatch):
    outside.list(DAY, kettles(1))
    outside.offer(monkeypatch)
    outside.world.replies.append(Reply("refusal", language="ru", title="Kettle", times=9))
    pipeline.build_day(DAY)
    lines = [
        line
        for path in (pipeline.data / "logs").glob("*/*.log")
        for line in path.read_text().splitlines()
    ]
    assert any(line.endswith(f" {DAY} summaries_en 2603.10001 done") for line in lines)
    assert any(f" {DAY} summaries_ru 2603.10001 failed unusable: " in line for line in lines)


def test_costs_are_summed_by_day_asset_model_and_version(bought: Pipeline):
    rows = json.loads(papers("costs", "--json").stdout)["rows"]
    by_asset = {row["asset"]: row for row in rows}
    assert set(by_asset) == {*WRITTEN, *READING}
    russian = by_asset["summaries_ru"]
    assert (russian["day"], russian["model"], russian["calls"]) == (
        "2026-03-20",
        "anthropic:claude-sonnet-5-5",
        2,
    )
    assert russian["prompt_version"] == bought.rows("summaries_ru", DAY)[0].prompt_version
    table = papers("costs").stdout
    *_, total, unverified = table.splitlines()
    assert total.split()[0] == str(sum(calls_for(2).values()))
    assert unverified == "unverified texts: 0"
    assert json.loads(papers("costs", "--json", "--to", "2026-03-19").stdout)["rows"] == []


def test_a_changed_prompt_is_compared_for_the_price_of_the_sample_and_then_free(
    outside: Outside, pipeline: Pipeline, monkeypatch, tmp_path: Path
):
    outside.list(DAY, kettles(1, 2, 3, 4))
    outside.offer(monkeypatch)
    pipeline.build_day(DAY)
    outside.calls()
    assert (
        "every stored answer of summary.ru is by the version in force"
        in papers("prompts", "diff", "summary.ru").stderr
    )
    overlay_prompt(tmp_path, monkeypatch, "summary.ru.md", "Точно и живо", "Просто и живо")
    unasked = papers("prompts", "diff", "summary.ru", "--sample", "3")
    assert unasked.exit_code == 2
    assert "3 papers, 3 calls for about 0.00" in unasked.stdout
    assert outside.calls() == {}
    result = papers("prompts", "diff", "summary.ru", "--sample", "3", "--yes")
    assert result.exit_code == 0, result.output
    assert outside.calls() == {"ru": 3}
    assert result.stdout.count("before, ") == result.stdout.count("now, ") == 3
    figures = [line.split() for line in result.stdout.splitlines()]
    assert ["texts", "3", "3"] in figures
    assert ["refused", "0.0%", "of", "3", "0.0%", "of", "3"] in figures
    assert {row.prompt_version for row in pipeline.rows("summaries_ru", DAY)} != {
        result.stdout.split()[1].rstrip(":")
    }
    pipeline.build_day(DAY)
    assert outside.calls() == {"ru": 1}


@pytest.mark.parametrize(
    ("name", "old", "has_figures"),
    [
        ("topic_tags", "You file", True),
        ("reading_task", "汉语", True),
        ("reading_translation_ru", "Write no pinyin", False),
    ],
)
def test_every_kind_of_prompt_can_be_compared(
    bought: Pipeline, monkeypatch, tmp_path: Path, name: str, old: str, has_figures: bool
):
    file = f"{name.removesuffix('_ru')}.md"
    overlay_prompt(tmp_path, monkeypatch, file, old, f"{old} ")
    result = papers("prompts", "diff", name, "--sample", "1", "--yes")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("before, ") == result.stdout.count("now, ") == 1
    assert ("refused" in result.stdout) is has_figures


def test_a_withdrawn_paper_is_marked_and_keeps_its_text(outside: Outside, bought: Pipeline):
    withdrawn = entry("2603.10001", title="Kettle 1", summary="Kettle number 1 whistles late.")
    withdrawn["paper"]["withdrawnAt"] = "2026-03-03T10:00:00.000Z"
    outside.list(DAY, [withdrawn, *kettles(2)])
    outside.calls()
    bought.clock.moment += timedelta(days=1)
    bought.build_day(DAY)
    paper = bought.json(DAY)["papers"][0]
    assert paper["id"] == "2603.10001"
    assert (paper["status"], paper["withdrawn_at"]) == ("withdrawn", "2026-03-03T10:00:00Z")
    assert paper["summaries"]["ru"]["source"] == "model"
    assert outside.calls() == {}


def test_freshness_counts_weekdays_only(pipeline: Pipeline):
    node = definitions.load(pipeline.clock).resolve_asset_graph().get(dg.AssetKey("daily_issue"))
    assert node.freshness_policy.deadline_cron == "0 6 * * 2-6"
