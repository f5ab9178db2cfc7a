"""Steps run at once in one process; a failure, a retry or a termination touches no other step."""

import asyncio
import signal
import subprocess
import sys
import threading
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEventType as Event

from papers_pipeline.base import loop
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.defs.executor import threads_executor
from papers_pipeline.runs import execute, first_error
from papers_pipeline_tests.helpers.terminal import wait_until


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(instance: dg.DagsterInstance, *assets: dg.AssetsDefinition) -> dg.JobExecutionResult:
    defs = dg.Definitions(
        assets=assets, jobs=[dg.define_asset_job("all_assets")], executor=threads_executor
    )
    return execute(defs.resolve_job_def("all_assets"), instance)


def steps(result: dg.JobExecutionResult, kind: Event) -> list[str | None]:
    return [event.step_key for event in result.all_events if event.event_type == kind]


def test_steps_that_do_not_wait_for_each_other_run_at_once(instance: dg.DagsterInstance):
    """Each step waits until all have begun: one after another, they would never end."""
    together = threading.Barrier(3, timeout=60)

    @dg.asset
    def first() -> None:
        together.wait()

    @dg.asset
    def second() -> None:
        together.wait()

    @dg.asset
    def third() -> None:
        together.wait()

    @dg.asset(deps=[first, second, third])
    def joined() -> None:
        assert together.n_waiting == 0

    result = run(instance, first, second, third, joined)
    assert result.success
    assert set(steps(result, Event.STEP_SUCCESS)) == {"first", "second", "third", "joined"}
    assert steps(result, Event.STEP_START)[-1] == "joined"


def test_a_blocking_step_does_not_hold_up_a_coroutine(instance: dg.DagsterInstance):
    coroutine_ended = threading.Event()

    @dg.asset
    def blocking() -> None:
        assert coroutine_ended.wait(60)

    @dg.asset
    def waiting() -> None:
        loop.run(asyncio.sleep(0.01))
        coroutine_ended.set()

    assert run(instance, blocking, waiting).success


def test_a_failed_step_skips_what_needs_it_and_nothing_else(instance: dg.DagsterInstance):
    @dg.asset
    def broken() -> None:
        raise dg.Failure("no list")

    @dg.asset(deps=[broken])
    def dependent() -> None: ...

    @dg.asset
    def independent() -> None: ...

    result = run(instance, broken, dependent, independent)
    assert not result.success
    assert steps(result, Event.STEP_FAILURE) == ["broken"]
    assert steps(result, Event.STEP_SUCCESS) == ["independent"]
    stored = instance.get_run_by_id(result.run_id)
    assert stored is not None
    assert stored.status == dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize(
    ("said", "tag"),
    [("(psycopg2.OperationalError) server closed the connection", "true"), ("a bad list", None)],
)
def test_a_run_whose_step_lost_the_database_is_started_again(
    instance: dg.DagsterInstance, said: str, tag: str | None
):
    @dg.asset
    def unlucky() -> None:
        raise RuntimeError(said)

    stored = instance.get_run_by_id(run(instance, unlucky).run_id)
    assert stored is not None
    assert stored.tags.get("dagster/retry_on_asset_or_op_failure") == tag


@pytest.mark.parametrize("kind", [OSError, OperatorError])
def test_a_run_that_fails_outside_its_steps_says_why(
    instance: dg.DagsterInstance, kind: type[Exception]
):
    @dg.resource
    def broken(_: dg.InitResourceContext) -> None:
        raise kind("the disk is broken") from KeyError("of a library")

    @dg.asset(required_resource_keys={"broken"})
    def table() -> None: ...

    definitions = dg.Definitions(
        assets=[table],
        resources={"broken": broken},
        jobs=[dg.define_asset_job("job", "*")],
        executor=threads_executor,
    )
    result = execute(definitions.resolve_job_def("job"), instance)
    assert not result.success
    why = {OSError: "OSError: the disk is broken", OperatorError: "the disk is broken"}[kind]
    assert first_error(result.all_events) == f"the run failed outside its steps: {why}"


def test_the_error_of_a_run_whose_process_is_gone_is_what_was_found_out(
    instance: dg.DagsterInstance,
):
    run = dg.DagsterRun("job")
    instance.add_run(run)
    why = "Its process ended without reporting a result."
    instance.report_run_failed(run, why)
    records = instance.get_records_for_run(run.run_id, of_type=Event.RUN_FAILURE).records
    events = [record.event_log_entry.dagster_event for record in records]
    assert first_error(filter(None, events)) == f"the run failed outside its steps: {why}"


def test_a_step_is_tried_again_as_its_policy_says(instance: dg.DagsterInstance):
    tries = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=2, delay=0.01))
    def shaky() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("not yet")

    @dg.asset(deps=[shaky])
    def dependent() -> None: ...

    result = run(instance, shaky, dependent)
    assert result.success
    assert len(tries) == 3
    assert steps(result, Event.STEP_UP_FOR_RETRY) == ["shaky", "shaky"]
    assert steps(result, Event.STEP_SUCCESS) == ["shaky", "dependent"]


def test_an_output_that_is_not_made_skips_what_needs_it(instance: dg.DagsterInstance):
    @dg.asset(output_required=False)
    def maybe():
        if False:
            yield dg.Output(None)

    @dg.asset
    def dependent(maybe: None) -> None: ...

    result = run(instance, maybe, dependent)
    assert result.success
    assert steps(result, Event.STEP_SKIPPED) == ["dependent"]


TERMINATED = """
import asyncio, sys
from pathlib import Path
import dagster as dg
from papers_pipeline.base import loop
from papers_pipeline.defs.executor import threads_executor
from papers_pipeline.runs import execute

def say(*words):
    with Path(sys.argv[1]).open("a") as file:
        print(*words, file=file)

async def wait_for_ever(name):
    say(name, "waits")
    try:
        await asyncio.Event().wait()
    finally:
        say(name, "cleaned up")

@dg.asset
def paid():
    try:
        loop.run(wait_for_ever("paid"))
    except loop.Cancelled:
        raise dg.DagsterExecutionInterruptedError from None

@dg.asset
def free():
    try:
        loop.run(wait_for_ever("free"))
    except loop.Cancelled:
        raise dg.DagsterExecutionInterruptedError from None

@dg.asset(deps=[paid, free])
def joined():
    say("must not run")

defs = dg.Definitions(
    assets=[paid, free, joined],
    jobs=[dg.define_asset_job("all_assets")],
    executor=threads_executor,
    loggers={"console": dg.colored_console_logger},
)
with dg.DagsterInstance.ephemeral() as instance:
    result = execute(defs.resolve_job_def("all_assets"), instance)
    say("status", result.dagster_run.status.value)
    failed = [e.step_key for e in result.all_events if e.is_step_failure]
    say("failed", *sorted(failed))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_terminated_run_cancels_its_steps_and_says_so(number: signal.Signals, tmp_path: Path):
    said = tmp_path / "said"
    said.touch()
    process = subprocess.Popen([sys.executable, "-c", TERMINATED, str(said)])
    wait_until(lambda: {"paid waits", "free waits"} <= set(said.read_text().splitlines()))
    process.send_signal(number)
    assert process.wait(timeout=120) == 0
    lines = said.read_text().splitlines()
    assert {"paid cleaned up", "free cleaned up"} <= set(lines)
    assert lines[-2:] == ["status FAILURE", "failed free paid"]
    assert "must not run" not in lines
