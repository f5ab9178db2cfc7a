"""The job that sends the built site to its readers; its name is a contract."""

import dagster as dg

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.settings import Settings
from papers_pipeline.site.publish import TARGETS, publish


# Asking for the IO manager, which stores nothing here, holds the site's lock while the site is read.
@dg.op(required_resource_keys={"io_manager", "settings"})
def publish_site(context: dg.OpExecutionContext) -> None:
    """Send the site to PAPERS_PUBLISH_TO; only what differs is sent."""
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


# Not named `publish` here: the loader of this folder takes every job by the name that it carries itself.
@dg.job(
    name="publish",
    description=f"Sends the built site to PAPERS_PUBLISH_TO, which has to be set: {TARGETS}. rsync or git has to be "
    "installed for its kind of target, and the other side has to take this machine's key or the token in the URL. "
    "Builds nothing, sends only what differs, and no schedule runs it.",
)
def publish_job() -> None:
    publish_site()
