"""A build without changes leaves the pages that span days alone; any change builds them."""

from datetime import date

import pytest

from papers_pipeline.runner import Runner
from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import Outside, entry

pytestmark = pytest.mark.slow
DAY, OTHER = "2026-03-02", "2026-03-03"


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs of the site that are run."""
    run: list[str] = []
    run_site = Runner._run_site

    def noted(runner: Runner, job: str, partition: str | None = None) -> None:
        run.append(job)
        run_site(runner, job, partition)

    monkeypatch.setattr(Runner, "_run_site", noted)
    return run


@pytest.fixture
def built(outside: Outside, pipeline: Pipeline, jobs: list[str]) -> Pipeline:
    outside.list(DAY, [entry("2603.10001")])
    pipeline.build(DAY, at="2026-03-20T08:00")
    assert sorted(jobs) == ["build_month", "build_site", "build_week"]
    jobs.clear()
    return pipeline


def test_a_second_build_builds_no_page_that_spans_days(built: Pipeline, jobs: list[str]):
    times = built.times()
    built.build(DAY)
    assert jobs == []
    assert built.times() == times


def test_a_changed_day_builds_them(outside: Outside, built: Pipeline, jobs: list[str]):
    outside.list(DAY, [entry("2603.10001", upvotes=99)])
    built.build(DAY)
    assert sorted(jobs) == ["build_month", "build_site", "build_week"]


@pytest.mark.parametrize("page", ["en/archive.html", "en/m/2026-03.html", "en/w/2026-W10.html"])
def test_a_deleted_page_is_made_again(built: Pipeline, page: str):
    made = built.files()
    (built.site / page).unlink()
    built.build(DAY)
    assert built.files() == made


def test_a_new_day_builds_them_once(outside: Outside, built: Pipeline, jobs: list[str]):
    outside.list(OTHER, [entry("2603.10002")])
    built.build(OTHER)
    jobs.clear()
    built.build(DAY, OTHER)
    assert jobs == []


def test_the_next_morning_looks_again(built: Pipeline, jobs: list[str]):
    """A month or week may be over by then."""
    built.build(DAY, at="2026-03-21T08:00")
    assert sorted(jobs) == ["build_month", "build_site", "build_week"]


def test_a_day_that_was_built_in_the_ui_is_not_missed(
    outside: Outside, built: Pipeline, jobs: list[str]
):
    """Its run ends without the site, which a sensor builds."""
    outside.list(OTHER, [entry("2603.10002")])
    built.build_day(OTHER)
    assert jobs == []
    built.build(DAY)
    assert "build_site" in jobs
    assert date.fromisoformat(OTHER).isoformat() in (built.site / "en/archive.html").read_text()
