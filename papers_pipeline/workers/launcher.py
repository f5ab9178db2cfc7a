"""The launcher of several machines: each run is a task in a queue, and a worker takes it.

`deploy/several/dagster.yaml` names it. Dagster's own launcher for Celery calls a run of a dead
worker RUNNING for ever (https://github.com/dagster-io/dagster/pull/33493), and a run that it
terminates is started again. Here a run lives as long as the coordination hears of its process.
"""

from typing import Any

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_QUEUE_TAG, DAGSTER_CELERY_TASK_ID_TAG
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from papers_pipeline.runs import TAKEN_TAG, is_dead
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import coordination_of
from papers_pipeline.workers.release import RELEASE_TAG, release_of

CELERY = {
    # A run is acknowledged when it starts: Redis would deliver a longer one a second time.
    "task_acks_late": False,
    # A worker takes no run that it cannot start at once: another may be free, and this one may die.
    "worker_prefetch_multiplier": 1,
    "worker_disable_prefetch": True,
    "worker_max_tasks_per_child": 1,
    # The broker may restart at any time.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "task_publish_retry_policy": {"max_retries": 20, "interval_step": 0.5, "interval_max": 3},
}

ASK_ONCE = {"max_retries": 1, "socket_connect_timeout": 5, "socket_timeout": 5}
"""A question to a broker that does not answer ends after some seconds."""


class WorkersLauncher(CeleryRunLauncher):
    """Puts runs into the queue, and says whether the process of a started one is alive."""

    def __init__(self, dead_after_seconds: int, **options: Any) -> None:
        self._dead_after_seconds = dead_after_seconds
        options["config_source"] = CELERY | (options.get("config_source") or {})
        super().__init__(**options)

    @property
    def supports_resume_run(self) -> bool:
        return False

    def launch_run(self, context: LaunchRunContext) -> None:
        release = {RELEASE_TAG: release_of(load_settings())}
        self._instance.add_run_tags(context.dagster_run.run_id, release)
        super().launch_run(context)

    def terminate(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or DAGSTER_CELERY_TASK_ID_TAG not in run.tags:
            return False
        # A run that is not known to be canceling counts as lost, and would be started again.
        self._instance.report_run_canceling(run)
        return super().terminate(run_id)

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        coordination = coordination_of(load_settings())
        if is_dead(self._instance, run, coordination, self._dead_after_seconds):
            taken = run.tags.get(TAKEN_TAG, "")
            return CheckRunHealthResult(WorkerStatus.FAILED, f"its process is gone ({taken})")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def may_hold(self, run: dg.DagsterRun) -> bool:
        queue = run.tags.get(DAGSTER_CELERY_QUEUE_TAG, self.default_queue)
        try:
            with self.celery.connection_for_read(transport_options=ASK_ONCE) as connection:
                # Kombu says that an empty queue of Redis does not exist, unless it may make it.
                declared = connection.default_channel.queue_declare(queue)
                return bool(declared.message_count)
        except (OperationalError, RedisError):
            return True

    def get_run_worker_debug_info(
        self, run: dg.DagsterRun, include_container_logs: bool | None = True
    ) -> str | None:
        if DAGSTER_CELERY_TASK_ID_TAG not in run.tags:  # a run of the command line
            return None
        return super().get_run_worker_debug_info(run, include_container_logs)

    @classmethod
    def config_type(cls) -> Any:
        dead_after_seconds = dg.Field(
            int,
            default_value=120,
            description="How long nobody may have heard of a run's process before it is dead.",
        )
        stock: Any = super().config_type()
        return {**stock, "dead_after_seconds": dead_after_seconds}
