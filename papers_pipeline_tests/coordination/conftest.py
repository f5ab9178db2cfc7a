"""Coordination of several processes in both of its homes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.coordination.interface import Coordination
from papers_pipeline.coordination.postgres.coordination import PostgresCoordination
from papers_pipeline_tests.helpers.postgres import Server, running_server


class Deployment:
    """The processes of a test, which share what their settings name."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
        self.url = url
        self._folder = folder
        self._opened: list[PostgresCoordination] = []
        if url:
            monkeypatch.setenv("PAPERS_COORDINATION_URL", url)
            self.process().set_up()

    def process(self) -> Coordination:
        """The coordination as one more process sees it."""
        if self.url is None:
            return FileCoordination(self._folder / "home", self._folder / "data" / "ledger")
        opened = PostgresCoordination(self.url)
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        for opened in self._opened:
            opened.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A Postgres server for all tests of this worker."""
    with running_server() as running:
        yield running


@pytest.fixture(params=["files", pytest.param("postgres", marks=pytest.mark.programs("initdb"))])
def deployment(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    url = None
    if request.param == "postgres":
        url = request.getfixturevalue("server").new_database()
    made = Deployment(tmp_path, monkeypatch, url)
    yield made
    made.close()
