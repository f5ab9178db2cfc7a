"""The cell of the fault matrix that a test asserts."""

import pytest

from papers_pipeline_tests.audit.matrix import Cell


@pytest.fixture
def cell(request: pytest.FixtureRequest) -> Cell:
    """The cell that the test, or this case of it, is marked with."""
    marker = request.node.get_closest_marker("fault")
    return Cell(**marker.kwargs, test=request.node.name)
