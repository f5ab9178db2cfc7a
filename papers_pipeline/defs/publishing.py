"""The job that publishes the built site, and the sensor that starts it. Their names are public."""

import dagster as dg
from pydantic import Field

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.defs.jobs import SITE
from papers_pipeline.runs import SITE_ASSETS, WAITING
from papers_pipeline.settings import Settings
from papers_pipeline.site.publishing.errors import TARGETS
from papers_pipeline.site.publishing.publish import publish


class PublishConfig(dg.Config):
    """What the job may remove from the target."""

    allow_shrink: bool = Field(
        default=False, description="Also remove more than a fifth of the target's pages."
    )


# The IO manager stores nothing here. Requiring it holds the site's lock while the site is read.
@dg.op(required_resource_keys={"io_manager", "settings"})
def publish_site(context: dg.OpExecutionContext, config: PublishConfig) -> None:
    """Send what differs in the site to PAPERS_PUBLISH_TO."""
    settings: Settings = context.resources.settings
    if not settings.publish_to:
        raise dg.Failure(
            f"PAPERS_PUBLISH_TO is not set: set it ({TARGETS}) and reload the definitions"
        )
    try:
        published = publish(
            settings.data / "site", settings.publish_to, allow_shrink=config.allow_shrink
        )
    except OperatorError as error:
        raise dg.Failure(str(error)) from None
    context.log.info(f"Published to {published}")
    context.add_output_metadata(
        {"files": published.files, "changed": published.changed, "target": published.target}
    )


# The variable is not `publish`, which is imported above. Dagster uses the job's own name.
@dg.job(
    name="publish",
    description=f"Sends what differs in the built site to PAPERS_PUBLISH_TO ({TARGETS}). An "
    "rsync or gh-pages target needs rsync or git installed, and the remote must accept this "
    "machine's key or the token in the URL. Builds nothing. The sensor publish_follows starts it "
    "after each build of the site.",
)
def publish_job() -> None:
    publish_site()


def publishing_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor `publish_follows`. It runs by default if there is a target."""
    has_target = settings.publish_to is not None
    sensor = dg.sensor(
        name="publish_follows",
        job=publish_job,
        default_status=(
            dg.DefaultSensorStatus.RUNNING if has_target else dg.DefaultSensorStatus.STOPPED
        ),
        description="Publishes the site to PAPERS_PUBLISH_TO once its pages are built.",
    )
    return sensor(publish_follows)


def publish_follows(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Publish once for all the pages built since the last time, when none is under way."""
    building = dg.RunsFilter(tags=SITE, statuses=WAITING)
    if context.instance.get_runs_count(building):
        return dg.SkipReason("pages are being built")
    newest = 0
    for asset in SITE_ASSETS:
        records = context.instance.fetch_materializations(dg.AssetKey(asset), limit=1).records
        newest = max([newest, *(record.storage_id for record in records)])
    if newest <= int(context.cursor or 0):
        return dg.SkipReason("no page was built since the site was published")
    context.update_cursor(str(newest))
    return dg.RunRequest(run_key=f"publish {newest}")
