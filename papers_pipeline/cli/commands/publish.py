"""`papers publish`."""

import click

from papers_pipeline.cli.terminal import current_settings, out, watcher


@click.command()
@click.option(
    "--to",
    "target",
    metavar="TARGET",
    help="A folder, rsync:host:/path or gh-pages:<git remote>.",
)
@click.option(
    "--allow-shrink", is_flag=True, help="Also remove more than a fifth of the target's pages."
)
def publish(target: str | None, allow_shrink: bool) -> None:
    """Publish the built site to PAPERS_PUBLISH_TO or to another target. Sends only differences.

    Exit status: 1 if publishing failed, 2 if no target is named.
    """
    from papers_pipeline.site.publishing.errors import TARGETS
    from papers_pipeline.site.publishing.publish import publish as send
    from papers_pipeline.wiring import coordination_of, viewed

    settings = current_settings()
    target = target or settings.publish_to
    if not target:
        raise click.UsageError(f"name a target with --to, or set PAPERS_PUBLISH_TO: {TARGETS}")
    on_wait = watcher(plain=True).note
    with coordination_of(settings).held("site", on_wait=on_wait), viewed(settings):
        published = send(settings.data / "site", target, allow_shrink=allow_shrink)
    out.print(f"Published to {published}", soft_wrap=True)
