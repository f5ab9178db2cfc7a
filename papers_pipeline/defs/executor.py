"""The executor: steps that do not wait for each other run at once, in one process.

Each step runs in a thread, by Dagster's own step execution. The steps of a day mostly wait for the
network, and the coroutines of all of them share one event loop (`base/loop.py`).

The other executors are slower here. In process, the steps run one after another. A process per step
imports everything again. dagster-async-executor 0.0.4 brings 1,800 lines of its own step execution
and writes every event on the event loop, where a slow write holds up all assets.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from queue import Empty, Queue

import dagster as dg
from dagster._core.errors import raise_execution_interrupts
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.compute_logs import create_compute_log_file_key
from dagster._core.execution.context.system import (
    PlanExecutionContext,
    PlanOrchestrationContext,
    StepExecutionContext,
)
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.execute_plan import dagster_event_sequence_for_step
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode

from papers_pipeline.base import loop

STOP_SECONDS = 10.0
"""How long a terminated run waits for its threads, which may be writing a file."""


@dataclass(frozen=True)
class _Died:
    """A step's thread ended by an error, or without an event that says how the step ended."""

    step_key: str
    error: BaseException | None = None


_Events = Queue[dg.DagsterEvent | _Died]


class ThreadsExecutor(dg.Executor):
    """Runs every step as soon as its inputs are there.

    With `captures_output`, what the process prints goes to a file for the UI.
    """

    def __init__(self, captures_output: bool = True) -> None:
        self._captures_output = captures_output

    @property
    def retries(self) -> RetryMode:
        return RetryMode.ENABLED

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        yield from ExecuteRunWithPlanIterable(
            execution_plan=execution_plan,
            iterator=partial(_run_steps, captures_output=self._captures_output),
            execution_context_manager=PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=self.retries,
                execution_plan=execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=plan_context.raise_on_error,
                output_capture=plan_context.output_capture,
                step_dependency_config=self.step_dependency_config,
            ),
        )


@dg.executor(name="threads", config_schema={"captures_output": dg.Field(bool, default_value=True)})
def threads_executor(context: dg.InitExecutorContext) -> ThreadsExecutor:
    """Runs the steps of a run side by side, each in a thread."""
    return ThreadsExecutor(bool(context.executor_config["captures_output"]))


POSTGRES_ERROR = "(psycopg2.OperationalError)"
"""How SQLAlchemy's message begins, whatever the server or the network said."""
TRIED_AGAIN = {"dagster/retry_on_asset_or_op_failure": "true"}
"""The tag by which `run_retries` starts a run again also after a failed step."""


def _run_steps(
    job_context: PlanExecutionContext, execution_plan: ExecutionPlan, captures_output: bool
) -> Iterator[dg.DagsterEvent]:
    limits = InstanceConcurrencyContext(job_context.instance, job_context.dagster_run)
    with (
        limits,
        execution_plan.start(
            retry_mode=job_context.retry_mode,
            instance_concurrency_context=limits,
            step_dependency_config=job_context.step_dependency_config,
        ) as active,
        ExitStack() as captured,
    ):
        if captures_output:
            yield _capture_output(job_context, execution_plan, captured)
        yield from _Steps(job_context, active).run()


def _capture_output(
    job_context: PlanExecutionContext, execution_plan: ExecutionPlan, captured: ExitStack
) -> dg.DagsterEvent:
    """Capture stdout and stderr of the process, for the UI, until `captured` is closed."""
    manager = job_context.instance.compute_log_manager
    file_key = create_compute_log_file_key()  # type: ignore[no-untyped-call]
    log_key = manager.build_log_key_for_run(job_context.run_id, file_key)
    log_context = captured.enter_context(manager.capture_logs(log_key))
    step_keys = [step.key for step in execution_plan.get_steps_to_execute_in_topo_order()]
    event: dg.DagsterEvent = dg.DagsterEvent.capture_logs(
        job_context, step_keys, log_key, log_context
    )
    return event


class _Steps:
    """The steps of one run, and the threads that execute them."""

    def __init__(self, job_context: PlanExecutionContext, active: ActiveExecution) -> None:
        self._job_context = job_context
        self._active = active
        self._events: _Events = Queue()
        self._threads: list[threading.Thread] = []

    def run(self) -> Iterator[dg.DagsterEvent]:
        """The events of all steps, in the order in which they happen."""
        try:
            while not self._active.is_complete:
                self._start_ready()
                yield from self._active.concurrency_event_iterator(self._job_context)
                yield from self._next_event()
                yield from self._active.plan_events_iterator(self._job_context)
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
            self._stop()
            yield from self._left_over()
            raise
        except BaseException:
            self._stop()
            raise

    def _start_ready(self) -> None:
        for step in self._active.get_steps_to_execute():
            context = self._job_context.for_step(step, self._active.get_known_state())
            thread = threading.Thread(
                target=_execute, args=(context, self._events), name=step.key, daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _next_event(self) -> Iterator[dg.DagsterEvent]:
        """Wait for the next event, or until a step may be tried again."""
        # Without running steps, only a delayed retry or a full pool is waited for.
        seconds: float | None = None
        if not self._active.has_in_flight_steps:
            seconds = self._active.sleep_interval()  # type: ignore[no-untyped-call]
        try:
            with raise_execution_interrupts():
                event = self._events.get(timeout=seconds)
        except Empty:
            return
        if isinstance(event, dg.DagsterEvent):
            if event.is_step_failure and lost_its_database(event):
                self._job_context.instance.add_run_tags(self._job_context.run_id, TRIED_AGAIN)
            yield event
            self._active.handle_event(event)
            return
        self._active.verify_complete(self._job_context, event.step_key)
        if event.error and self._job_context.raise_on_error:
            raise event.error

    def _stop(self) -> None:
        loop.cancel_all()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _left_over(self) -> Iterator[dg.DagsterEvent]:
        while not self._events.empty():
            event = self._events.get()
            if isinstance(event, dg.DagsterEvent):
                yield event


def _execute(context: StepExecutionContext, events: _Events) -> None:
    """Execute one step, in its thread."""
    has_ended = False
    try:
        for event in dagster_event_sequence_for_step(context):
            events.put(event)
            has_ended = _ends_step(event)
    except BaseException as error:
        events.put(_Died(context.step.key, error))
    else:
        if not has_ended:
            events.put(_Died(context.step.key))


def lost_its_database(event: dg.DagsterEvent) -> bool:
    """Whether a step failed because Dagster's Postgres hung up on it, as a restart does.

    Its asset is not to blame, and the run will do better when the server is back.
    """
    error = event.step_failure_data.error
    while error is not None:
        if POSTGRES_ERROR in error.message:
            return True
        error = error.cause
    return False


def _ends_step(event: dg.DagsterEvent) -> bool:
    return event.is_step_success or event.is_step_failure or event.is_step_up_for_retry
