"""The site is published by the command, the job and GitHub's workflow, and works where it is."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

import dagster as dg
import pytest
import requests
import yaml

from papers_pipeline import definitions
from papers_pipeline.sandbox.world import Fault
from papers_pipeline.settings import load_settings, setting_names
from papers_pipeline.store import files as storage
from papers_pipeline.store import locks
from papers_pipeline_tests.helpers.outside import LANGUAGES, READING, entry
from papers_pipeline_tests.helpers.serving import served
from papers_pipeline_tests.helpers.terminal import one_line, papers, wait_until

ROOT = Path(__file__).parents[1]
SECRETS = {"OPENAI_API_KEY", "MISTRAL_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN"}
NOT_KEPT = {"site", "dagster", "logs", "sample", "demo"}
"""Folders of data/ that the workflow need not keep: the branch has the site, git the sample."""


@pytest.fixture
def built() -> dict[str, bytes]:
    """A small site in its place, by path."""
    site = {
        "index.html": b"the way in",
        "en/d/2026-03-02.html": b"a day",
        "static/site.css": b"body {}",
    }
    for path, data in site.items():
        storage.write(load_settings().data / "site" / path, data)
    return site


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its bytes, except names that begin with a dot."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


class TestCommand:
    def test_it_publishes_to_the_setting_or_to_what_is_named_and_says_so_in_a_line(
        self, built, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("PAPERS_PUBLISH_TO", str(tmp_path / "www"))
        result = papers("publish")
        assert (result.exit_code, result.stdout) == (
            0,
            f"Published to {tmp_path}/www: 3 files, 3 changed\n",
        )
        assert files(tmp_path / "www") == built
        assert papers("publish").stdout == f"Published to {tmp_path}/www: 3 files, 0 changed\n"
        assert (
            papers("publish", "--to", "elsewhere").stdout
            == "Published to elsewhere: 3 files, 3 changed\n"
        )

    def test_without_a_target_it_is_bad_usage(self):
        result = papers("publish")
        assert result.exit_code == 2
        assert "name a target with --to, or set PAPERS_PUBLISH_TO: a folder, rsync:" in " ".join(
            result.stderr.split()
        )

    def test_a_failure_is_exit_status_1_and_names_the_way_out(self):
        result = papers("publish", "--to", "www")
        assert result.exit_code == 1
        assert "build a day first, `papers build --date latest`" in one_line(result.stderr)


class TestJob:
    def test_it_publishes_to_the_setting_and_logs_the_counts(
        self, pipeline, built, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("PAPERS_PUBLISH_TO", str(tmp_path / "www"))
        result = pipeline.run_job("publish")
        assert result.success
        assert files(tmp_path / "www") == built
        (output,) = (
            event.event_specific_data
            for event in result.all_node_events
            if event.is_successful_output
        )
        counts = {name: value.value for name, value in output.metadata.items()}
        assert counts == {"files": 3, "changed": 3, "target": str(tmp_path / "www")}

    def test_it_waits_for_a_run_that_builds_the_site(self, pipeline, built, tmp_path, monkeypatch):
        monkeypatch.setenv("PAPERS_PUBLISH_TO", str(tmp_path / "www"))
        with ThreadPoolExecutor() as executor:
            with locks.held(load_settings().home / "locks", "site"):
                publishing = executor.submit(pipeline.run_job, "publish")
                wait_until(lambda: pipeline.watcher.notes)
                assert pipeline.watcher.notes == ["another run holds site: waiting for it to end"]
                assert not (tmp_path / "www").exists()
            assert publishing.result().success
        assert files(tmp_path / "www") == built

    def test_without_the_setting_it_fails_and_says_what_to_set(self, pipeline):
        result = pipeline.run_job("publish")
        (failed,) = (event for event in result.all_events if event.is_step_failure)
        assert (
            "PAPERS_PUBLISH_TO is not set: set it (a folder,"
            in failed.step_failure_data.error_display_string
        )

    def test_the_config_of_a_run_may_allow_a_smaller_site(
        self, pipeline, built, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("PAPERS_PUBLISH_TO", str(tmp_path / "www"))
        site = load_settings().data / "site"
        for number in range(4):
            (site / f"lost{number}.html").write_text("lost")
        assert pipeline.run_job("publish").success
        for number in range(4):
            (site / f"lost{number}.html").unlink()
        assert not pipeline.run_job("publish").success
        allowing = {"ops": {"publish_site": {"config": {"allow_shrink": True}}}}
        assert pipeline.run_job("publish", run_config=allowing).success
        assert files(tmp_path / "www") == built


class TestSensor:
    @pytest.mark.parametrize("target", [None, "www"])
    def test_it_is_on_if_there_is_a_target(self, monkeypatch, target):
        if target:
            monkeypatch.setenv("PAPERS_PUBLISH_TO", target)
        sensor = definitions.load().get_repository_def().get_sensor_def("publish_follows")
        is_on = sensor.default_status is dg.DefaultSensorStatus.RUNNING
        assert is_on is bool(target)

    def test_it_publishes_once_after_the_pages_are_built(self, pipeline, outside):
        repository = definitions.load(pipeline.clock).get_repository_def()
        sensor = repository.get_sensor_def("publish_follows")

        def tick(cursor: str | None):
            context = dg.build_sensor_context(
                instance=pipeline.instance, cursor=cursor, repository_def=repository
            )
            return sensor.evaluate_tick(context)

        assert tick(None).run_requests == []
        outside.list("2026-03-02", [])
        pipeline.build("2026-03-02", at="2026-03-03T01:00")
        first = tick(None)
        assert [run.job_name or sensor.job_name for run in first.run_requests] == ["publish"]
        assert tick(first.cursor).run_requests == []
        site = repository.get_job("build_site")
        building = pipeline.instance.create_run_for_job(
            site, tags=site.tags, status=dg.DagsterRunStatus.STARTED
        )
        assert tick(None).run_requests == []
        pipeline.instance.delete_run(building.run_id)
        assert len(tick(None).run_requests) == 1


class Links(HTMLParser):
    """The `href` and `src` of every element of a page, and its ids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.ids: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attributes if value is not None}
        self.urls += [given[name] for name in ("href", "src") if name in given]
        self.ids.add(given.get("id", ""))


def test_no_link_of_a_site_that_is_served_below_a_path_is_broken(
    outside, pipeline, tmp_path, monkeypatch
):
    with served(tmp_path / "www") as host:
        base = f"{host}/some/sub/path"
        # Makes canonical links and those to other languages part of the test.
        monkeypatch.setenv("PAPERS_SITE_URL", base)
        outside.list("2026-03-02", [entry("2603.10001"), entry("2603.10002")])
        outside.list("2026-03-03", [entry("2603.10002"), entry("2603.10003")])
        pipeline.build("2026-03-02", "2026-03-03")
        assert papers("publish", "--to", "www/some/sub/path").exit_code == 0

        pages = [f"{base}/{path}" for path in pipeline.files() if path.endswith(".html")]
        # In each language: first page, archive, trends, search, data, my papers, reading
        # tasks; two days and their reading tasks, their month and week, three papers. Then the root
        # and 404.html.
        assert len(pages) == 16 * len(LANGUAGES) + 2
        contents: dict[str, Links] = {}

        def visit(url: str) -> Links:
            if url not in contents:
                answer = requests.get(url, timeout=10)
                assert answer.status_code == 200, f"{url} is broken"
                is_page = answer.headers["Content-Type"].startswith("text/html")
                contents[url] = Links(answer.content.decode() if is_page else "")
            return contents[url]

        followed = 0
        for page in pages:
            for link in visit(page).urls:
                url, fragment = urldefrag(urljoin(page, link))
                if not url.startswith(f"{host}/"):
                    continue
                assert url.startswith(f"{base}/"), f"{page} leaves the site: {link}"
                known = visit(url).ids
                assert not fragment or fragment in known, f"{page}: nothing has the id of {link}"
                followed += 1
        assert followed > 100
        assert f"{base}/static/site.css" in contents


class Workflow:
    """Runs the shell steps of `deploy/pages.yml` as GitHub does, each time in a fresh checkout.

    Its actions are skipped, but its cache is kept. The test's environment overrides its own.
    """

    def __init__(self, tmp_path: Path) -> None:
        self.parsed = yaml.safe_load((ROOT / "deploy" / "pages.yml").read_text(encoding="utf-8"))
        self.steps = self.parsed["jobs"]["publish"]["steps"]
        self.kept = self.parsed["env"]["KEPT"].split()
        self.checkout = tmp_path / "checkout"
        self._cache = tmp_path / "cache"
        self._remote = tmp_path / "remote.git"

    def make_remote(self) -> None:
        """An empty repository in place of the one at GitHub."""
        self._git("init", "--quiet", "--bare", "--object-format=sha1")

    def run(self) -> dict[str, int]:
        """Run the steps; returns the exit status of each by name.

        After a failed step, a step without a condition is not run.
        """
        shutil.rmtree(self.checkout, ignore_errors=True)
        shutil.copytree(ROOT, self.checkout, ignore=self._not_in_git)
        self._make_environment()
        self._copy_kept(self._cache, self.checkout)
        statuses: dict[str, int] = {}
        for step in self.steps:
            if "run" in step and ("if" in step or not any(statuses.values())):
                command = ["bash", "-e", "-c", step["run"]]
                env = self._env(step)
                done = subprocess.run(
                    command, cwd=self.checkout, env=env, capture_output=True, text=True
                )
                statuses[step["name"]] = done.returncode
                print(step["name"], done.stdout, done.stderr)
        self._copy_kept(self.checkout, self._cache)
        return statuses

    def _not_in_git(self, folder: str, names: list[str]) -> list[str]:
        of_root = {".git", ".venv", ".env", "data"} if Path(folder) == ROOT else set()
        return [
            name
            for name in names
            if name in of_root or name.endswith("_cache") or name == "__pycache__"
        ]

    def _make_environment(self) -> None:
        """`.venv/` as `make setup` leaves it, with the programs of the tests' own environment."""
        (self.checkout / ".venv").mkdir()
        (self.checkout / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
        (self.checkout / ".venv" / ".ready").touch()

    def _copy_kept(self, source: Path, target: Path) -> None:
        for path in self.kept:
            if (source / path).exists():
                shutil.copytree(source / path, target / path, dirs_exist_ok=True)

    def _env(self, step: dict[str, Any]) -> dict[str, str]:
        """The environment of a step. Secrets that it is not given are not in it."""
        given = {name: str(value) for name, value in self.parsed["env"].items()}
        own = step.get("env", {})
        of_machine = {}
        for name, value in os.environ.items():
            if name in own or name not in SECRETS:
                of_machine[name] = value
        env = given | of_machine | {"PYTHONPATH": str(self.checkout)}
        if "PAPERS_PUBLISH_TO" in own:
            env["PAPERS_PUBLISH_TO"] = f"gh-pages:{self._remote}"
        env["DAYS_BEFORE_TODAY"] = "2"
        left_out = ("PAPERS_DATA_DIR", "DAGSTER_HOME")
        return {
            name: value
            for name, value in env.items()
            if name not in left_out and "${{" not in value
        }

    def page(self, path: str) -> str:
        """A file of the branch."""
        return self._git("show", f"gh-pages:{path}")

    def publish_page(self, path: str, text: str) -> None:
        """Add a file to the branch, as an earlier run would have."""
        blob = self._git("hash-object", "-w", "--stdin", sent=text).strip()
        self._git("read-tree", "gh-pages")
        self._git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        tree = self._git("write-tree").strip()
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        commit = self._git(*identity, "commit-tree", tree, "-m", "An earlier run").strip()
        self._git("update-ref", "refs/heads/gh-pages", commit)

    def _git(self, *arguments: str, sent: str = "") -> str:
        command = ["git", f"--git-dir={self._remote}", *arguments]
        return subprocess.run(
            command, input=sent, capture_output=True, text=True, check=True
        ).stdout


@pytest.mark.slow
@pytest.mark.programs("git", "bash")
def test_the_workflow_keeps_texts_and_pages_between_its_runs_on_new_machines(
    outside, tmp_path, monkeypatch
):
    today = datetime.now(UTC).date()
    yesterday, before = str(today - timedelta(days=1)), today - timedelta(days=2)
    outside.world.now = None
    outside.list(yesterday, [entry("2603.10001"), entry("2603.10002")])
    outside.world.faults.append(Fault(f"date={before}", 404, "{}"))
    outside.offer(monkeypatch, "openai")
    workflow = Workflow(tmp_path)
    workflow.make_remote()

    # A day fails, and the workflow with it; the others are published and what they cost is kept.
    install, take_up, build, publish = (step["name"] for step in workflow.steps if "run" in step)
    assert workflow.run() == {install: 0, take_up: 0, build: 1, publish: 0}
    assert "2603.10001" in workflow.page(f"en/d/{yesterday}.html")
    assert workflow.page(".nojekyll") == ""
    left = {path.name for path in (workflow.checkout / "data").iterdir()} - NOT_KEPT
    assert left <= {path.removeprefix("data/") for path in workflow.kept}
    assert "ledger" in left

    # Pages that the branch lost, as after a publishing that failed, are made again.
    pages = workflow.page("en/archive.html")
    workflow.publish_page("en/archive.html", "of an earlier time")
    workflow.run()
    assert workflow.page("en/archive.html") == pages

    # A page that no later run builds, as those of every day before the last ones are.
    workflow.publish_page("en/d/2026-01-05.html", "of long ago")
    bought = outside.world.asked["openai answer"]
    assert bought > 0
    outside.list(str(today), [entry("2603.10003")])
    assert workflow.run() == dict.fromkeys((install, take_up, build, publish), 0)
    task = len(READING)  # the calls of a day's reading task: its text and the translations
    assert outside.world.asked["openai answer"] == bought + (bought - task) // 2 + task
    assert workflow.page("en/d/2026-01-05.html") == "of long ago"
    assert "2603.10003" in workflow.page("en/index.html")
    assert f"{today}.html" in workflow.page(f"en/d/{yesterday}.html")


def test_the_workflow_saves_and_publishes_after_a_failed_day_too(tmp_path):
    actions = {
        step["uses"].split("@")[0]: step for step in Workflow(tmp_path).steps if "uses" in step
    }
    assert actions["actions/cache/save"]["if"] == "always()"
    assert actions["actions/upload-pages-artifact"]["if"] == "${{ !cancelled() }}"
    assert Workflow(tmp_path).parsed["jobs"]["deploy"]["if"] == "${{ !cancelled() }}"
    steps = {step.get("name"): step for step in Workflow(tmp_path).steps}
    for name in ("Restore data", "Save data"):
        assert steps[name]["with"]["path"] == "${{ env.KEPT }}"


def test_the_workflow_finds_what_that_of_an_earlier_release_saved(tmp_path):
    """GitHub looks for a cache by the list of its folders, too."""
    steps = {step.get("name"): step for step in Workflow(tmp_path).steps}
    earlier = steps["Restore data of an earlier release"]
    assert earlier["if"] == "${{ !steps.data.outputs.cache-matched-key }}"
    folders = ("attempts", "blobs", "cache", "lake", "ledger")
    assert earlier["with"]["path"].split() == [f"data/{name}" for name in folders]


def test_the_workflow_gives_nobody_more_than_they_need(tmp_path):
    workflow = Workflow(tmp_path)
    jobs = workflow.parsed["jobs"]
    assert workflow.parsed["permissions"] == {}
    assert jobs["publish"]["permissions"] == {"contents": "write"}
    assert jobs["deploy"]["permissions"] == {"pages": "write", "id-token": "write"}
    with_keys = [step["name"] for step in workflow.steps if SECRETS & set(step.get("env", {}))]
    assert with_keys == ["Build the last days"]
    assert not SECRETS & set(workflow.parsed["env"])
    for job in jobs.values():
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}", step["uses"])


def test_the_workflow_names_settings_that_exist_and_secrets_that_are_documented(tmp_path):
    workflow = Workflow(tmp_path)
    variables = dict(workflow.parsed["env"])
    for step in workflow.steps:
        variables |= step.get("env", {})
    assert set(variables) - {"KEPT", "DAYS_BEFORE_TODAY"} <= set(setting_names())
    documented = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")
    for name, value in variables.items():
        if "secrets." in str(value) or "vars." in str(value):
            assert f".{name} }}}}" in value
            assert f"`{name}`" in documented
    for folder in workflow.kept:
        assert f"`{folder}`" in documented
