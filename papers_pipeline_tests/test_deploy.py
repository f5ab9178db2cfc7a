"""The files of `deploy/` name programs, folders and settings that exist."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from papers_pipeline.cli.main import main as papers
from papers_pipeline.settings import setting_names

ROOT = Path(__file__).parents[1]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
HOME = "/srv/papers/app"


def values(unit: Path, key: str) -> list[str]:
    """What a unit says under this key, line by line."""
    return re.findall(rf"^{key}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_runs_programs_of_the_environment(unit: Path):
    started = values(unit, "ExecStart") + values(unit, "ExecStartPre")
    assert len(started) == 2
    for command in started:
        program, *arguments = command.split()
        folder, _, name = program.rpartition("/")
        assert folder == f"{HOME}/.venv/bin"
        assert Path(sys.executable).with_name(name).is_file()
        if "-w" in arguments:
            assert (ROOT / arguments[arguments.index("-w") + 1]).is_file()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_writes_only_below_the_data(unit: Path):
    (writable,) = values(unit, "ReadWritePaths")
    assert writable == f"{HOME}/data"
    (environment,) = values(unit, "Environment")
    assert environment == f"DAGSTER_HOME={writable}/dagster"
    assert values(unit, "ProtectSystem") == ["strict"]
    assert values(unit, "NoNewPrivileges") == ["yes"]


def test_a_worker_that_is_stopped_may_end_its_days():
    unit = ROOT / "deploy/systemd/papers-worker.service"
    assert values(unit, "KillMode") == ["mixed"]  # a signal to all would stop the runs
    assert int(values(unit, "TimeoutStopSec")[0]) >= 1800


def test_the_ui_is_open_to_its_own_machine_alone():
    (started,) = values(ROOT / "deploy/systemd/papers-webserver.service", "ExecStart")
    assert "-h 127.0.0.1" in started


def test_the_guide_names_every_unit():
    guide = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    assert "deploy/systemd/papers-*.service" in guide
    for unit in UNITS:
        assert unit.stem in guide


COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DAGSTER_YAML = (ROOT / "deploy" / "several" / "dagster.yaml").read_text(encoding="utf-8")


def test_the_services_are_those_of_the_guide():
    assert set(OURS) == {"setup", "code", "daemon", "webserver", "worker"}
    assert set(SERVICES) - set(OURS) == {"postgres", "redis"}


@pytest.mark.parametrize("name", OURS)
def test_a_container_runs_a_command_of_the_environment_and_writes_to_data_and_home_alone(name: str):
    service = OURS[name]
    program, *arguments = service["command"]
    assert Path(sys.executable).with_name(program).is_file()
    if program == "papers":
        assert arguments[0] in papers.commands
    for argument in arguments:
        if argument.startswith("/opt/papers/several/"):
            assert (ROOT / "deploy" / "several" / Path(argument).name).is_file()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    writable = [volume for volume in service["volumes"] if not volume.endswith(":ro")]
    assert writable == ["data:/srv/papers/data", "/srv/papers/home"]


def test_every_variable_of_the_containers_is_read_by_us_by_dagster_or_by_postgres():
    for service in OURS.values():
        for name in service["environment"]:
            is_ours = name in setting_names()
            assert is_ours or f"env: {name}" in DAGSTER_YAML or name == "PGPASSFILE", name


def test_keys_are_secrets_named_like_their_settings():
    keys = {name for name in COMPOSE["secrets"] if name.isupper()}
    assert keys == {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MISTRAL_API_KEY"}
    assert keys <= set(setting_names())
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("./secrets/")
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_the_ports_are_open_to_the_host_alone():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:3000:3000"]


def test_a_service_starts_after_services_that_exist():
    for service in SERVICES.values():
        for other, needed in service.get("depends_on", {}).items():
            if needed["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]
            else:
                assert SERVICES[other]["restart"] == "no"


BUCKET = yaml.safe_load((ROOT / "deploy" / "compose.s3.yaml").read_text(encoding="utf-8"))


def test_with_a_bucket_every_container_of_ours_waits_for_it_and_has_its_key():
    assert set(BUCKET["services"]) == set(OURS) | {"s3"}
    server = BUCKET["services"]["s3"]
    assert "healthcheck" in server
    for name in OURS:
        added = BUCKET["services"][name]
        assert added["depends_on"] == {"s3": {"condition": "service_healthy"}}
        (secret,) = added["secrets"]
        assert added["environment"]["AWS_SHARED_CREDENTIALS_FILE"] == f"/run/secrets/{secret}"
        assert "PAPERS_DATA_DIR" in added["environment"]
    assert {"aws", *server["secrets"]} == set(BUCKET["secrets"])
    assert "ports" not in server


def test_the_guide_makes_every_secret():
    guide = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    for name in (*COMPOSE["secrets"], *BUCKET["secrets"]):
        assert re.search(rf"(> |touch .*){name}\b", guide), name
