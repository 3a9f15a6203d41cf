"""docker-compose.yml and the Dockerfiles, as far as they can be judged without an engine."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli import main
from app.settings import Settings
from tests.components import require

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


@pytest.mark.needs("dclint")
def test_compose_file_passes_dclint() -> None:
    rules = Path(__file__).with_name("dclint.yaml")
    command = [require("dclint"), "--config", rules, "--max-warnings", "0", COMPOSE]
    run = subprocess.run(command, capture_output=True, check=False, text=True)

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_dockerfile_passes_hadolint(dockerfile: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    run = subprocess.run([hadolint, dockerfile], capture_output=True, check=False, text=True)

    assert run.returncode == 0, run.stdout


def test_no_secret_has_a_default() -> None:
    used = re.findall(r"\$\{(COSIA_\w*PASSWORD)([^}]{2})", COMPOSE.read_text())

    assert set(used) == {("COSIA_DB_PASSWORD", ":?"), ("COSIA_REDIS_PASSWORD", ":?")}


def test_every_setting_passed_in_is_one_that_the_service_reads(services: dict[str, Any]) -> None:
    known = {f"COSIA_{name.upper()}" for name in Settings.model_fields}
    passed = {
        name for service in services.values() for name in service.get("environment", {}) if name.startswith("COSIA_")
    }

    assert passed
    assert passed <= known


def test_every_command_run_is_one_of_ours(services: dict[str, Any]) -> None:
    started = [
        json.loads(line[4:]) for path in DOCKERFILES for line in path.read_text().splitlines() if line[:4] == "CMD "
    ]
    started += [service["command"] for service in services.values() if "build" in service and "command" in service]

    assert {words[0] for words in started} == {"cosia"}
    assert {words[1] for words in started} == {"web", "worker", "migrate"}
    assert {words[1] for words in started} <= set(main.list_commands(main.make_context("cosia", ["web"])))


def test_images_are_pinned_to_a_version(services: dict[str, Any]) -> None:
    bases = [
        line.split()[1] for path in DOCKERFILES for line in path.read_text().splitlines() if line.startswith("FROM")
    ]
    images = [service["image"] for service in services.values() if "image" in service]

    assert len(bases + images) >= 6
    assert all(re.search(r":\d+[.-]\d+", image) for image in bases + images), bases + images


def test_only_the_front_door_is_reachable_and_from_this_host_alone(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert published == {"nginx": ["127.0.0.1:8080:8080"]}


def test_nginx_alone_is_believed_by_web_and_this_host_alone_by_nginx(services: dict[str, Any]) -> None:
    networks = yaml.safe_load(COMPOSE.read_text())["networks"]
    subnets = {name: network["ipam"]["config"][0] for name, network in networks.items()}
    conf = (ROOT / "docker" / "nginx.conf").read_text()

    assert services["web"]["networks"] == ["inside"]
    assert services["web"]["environment"]["COSIA_TRUSTED_PROXIES"] == subnets["inside"]["subnet"]
    assert re.findall(r"set_real_ip_from (\S+);", conf) == [subnets["outside"]["gateway"]]
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in conf


def test_our_processes_run_without_root_or_a_writable_system(services: dict[str, Any]) -> None:
    ours = [service for service in services.values() if "build" in service]

    assert len(ours) == 3
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in ours)
    assert all("USER 10001:10001" in path.read_text().splitlines() for path in DOCKERFILES)


def test_broker_neither_evicts_nor_forgets(services: dict[str, Any]) -> None:
    command = " ".join(services["redis"]["command"])

    assert "maxmemory-policy noeviction" in command
    assert "appendonly yes" in command
