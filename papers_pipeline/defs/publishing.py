"""The job that publishes the built site. Its name is public."""

import dagster as dg

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.settings import Settings
from papers_pipeline.site.publish import TARGETS, publish


# The IO manager stores nothing here. Requiring it holds the site's lock while the site is read.
@dg.op(required_resource_keys={"io_manager", "settings"})
def publish_site(context: dg.OpExecutionContext) -> None:
    """Send what differs in the site to PAPERS_PUBLISH_TO."""
    settings: Settings = context.resources.settings
    if not settings.publish_to:
        raise dg.Failure(
            f"PAPERS_PUBLISH_TO is not set: set it ({TARGETS}) and reload the definitions"
        )
    try:
        published = publish(settings.data / "site", settings.publish_to)
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
    "machine's key or the token in the URL. Builds nothing. No schedule runs it.",
)
def publish_job() -> None:
    publish_site()
