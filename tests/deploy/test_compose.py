"""docker-compose.yml, as far as it can be held to its promises without an engine."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import redis

from crm_online.api.keys import Keys
from crm_online.settings import load_settings
from crm_online.settings.units import SECOND
from crm_online.store import open_store
from tests.command import environment
from tests.deploy.files import ROOT, image_environment, instructions, read_yaml, services
from tests.store.test_secured import RIGHTS, use_all_of

SERVICES = services()
OURS = {"worker", "keys", "api"}
"""Those that run our image."""


def test_it_is_what_the_compose_specification_and_where_it_is_there_docker_itself_allow() -> None:
    jsonschema.validate(read_yaml("docker-compose.yml"), compose_schema())
    docker = shutil.which("docker")
    if docker and not subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        read = subprocess.run(
            [docker, "compose", "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert read.returncode == 0, read.stderr


def compose_schema() -> Any:
    """Return the specification's schema out of check-jsonschema, whose program need not run with our click."""
    package = find_spec("check_jsonschema")
    assert package is not None
    assert package.submodule_search_locations
    schema = Path(package.submodule_search_locations[0], "builtin_schemas", "vendor", "compose-spec.json")
    return json.loads(schema.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "variables", [SERVICES["worker"]["environment"], SERVICES["api"]["environment"], image_environment()]
)
def test_every_variable_is_a_setting_and_its_value_fits(variables: dict[str, str]) -> None:
    ours = {name: value for name, value in variables.items() if name.startswith("CRM_ONLINE_")}
    assert ours
    load_settings(environment=ours)


@pytest.mark.parametrize("name", ["worker", "api"])
def test_ours_find_redis_and_kafka_where_they_are(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment["CRM_ONLINE_STATE"] == "redis://redis:6379/0"
    inside, outside = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert environment["CRM_ONLINE_KAFKA__BROKERS"] == inside.removeprefix("INSIDE://")
    # From the machine itself, crm-online publish needs no setting.
    assert load_settings(environment={}).settings.kafka.brokers == outside.removeprefix("OUTSIDE://")


def test_a_worker_has_longer_to_end_than_it_takes() -> None:
    grace = SERVICES["worker"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) * SECOND > load_settings(environment={}).settings.worker.stop_timeout


def test_the_service_has_longer_to_end_than_it_takes() -> None:
    grace = SERVICES["api"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) * SECOND > load_settings(environment={}).settings.serve.stop_timeout


def test_the_service_lets_in_those_whose_keys_are_made_at_the_first_start_and_stay(tmp_path: Path) -> None:
    keys, api, prometheus = (SERVICES[name] for name in ("keys", "api", "prometheus"))
    settings = load_settings(environment=api["environment"]).settings.serve
    folder = str(settings.keys_file.parent) if settings.keys_file else ""
    assert f"keys:{folder}" in keys["volumes"]
    assert f"keys:{folder}" in api["volumes"]
    assert f"install --directory --owner=crm-online {folder}" in " ".join(rest for _, rest in instructions())
    (crm_online := tmp_path / "bin" / "crm-online").parent.mkdir()
    crm_online.write_text(f'#!/bin/sh\nexec {sys.executable} -m crm_online "$@"\n')
    crm_online.chmod(0o755)
    shell, options, script = keys["entrypoint"]
    (made := tmp_path / "keys").mkdir()
    env = environment() | {"PATH": f"{crm_online.parent}:{os.environ['PATH']}"}
    script = script.replace(folder, str(made)).replace("/etc/crm-online/passwords", str(passwords(tmp_path)))
    for _ in range(2):
        subprocess.run([shell, options, script.replace("$$", "$")], env=env, check=True, capture_output=True)
    known = Keys(made / "keys.toml")
    callers = {name: known.caller((made / f"{name}.key").read_text().strip()) for name in ("admin", "prometheus")}
    assert {name: [*caller.scopes] if caller else None for name, caller in callers.items()} == {
        "admin": ["admin"],
        "prometheus": ["read"],
    }
    modes = {file.name: file.stat().st_mode & 0o777 for file in made.iterdir()}
    assert modes == {"keys.toml": 0o600, "admin.key": 0o600, "prometheus.key": 0o644}
    job = read_yaml("deploy/prometheus.yml")["scrape_configs"][1]
    assert "keys:/etc/prometheus/keys:ro" in prometheus["volumes"]
    assert job["authorization"] == {"credentials_file": "/etc/prometheus/keys/prometheus.key"}


def passwords(folder: Path) -> Path:
    """Return a folder for passwords, with the one for the users of Redis beside it."""
    for name in ("passwords", "users"):
        (folder / name).mkdir()
    return folder / "passwords"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Return the passwords that are made at the first start."""
    shell, options, script = SERVICES["keys"]["entrypoint"]
    begin = script.index("cd /etc/crm-online/passwords")
    script = script[begin:].replace("/etc/crm-online/passwords", str(passwords(tmp_path))).replace("$$", "$")
    for _ in range(2):
        subprocess.run([shell, options, script], check=True)
    assert len({(tmp_path / "passwords" / name).read_text() for name in ("redis", "kafka")}) == 2
    assert (tmp_path / "passwords/redis").stat().st_mode & 0o777 == 0o600
    return tmp_path / "passwords"


@pytest.mark.parametrize("name", ["worker", "api"])
def test_ours_show_redis_and_kafka_the_passwords_that_were_made(name: str, made: Path) -> None:
    service = SERVICES[name]
    script, *command = service["entrypoint"]
    assert f"./deploy{script}:{script}:ro" in service["volumes"]
    assert "passwords:/etc/crm-online/passwords:ro" in service["volumes"]
    assert command == json.loads(dict(instructions())["ENTRYPOINT"])
    run = [str(ROOT / f"deploy{script}"), sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
    env = environment() | service["environment"] | {"PASSWORDS": str(made)}
    seen = json.loads(subprocess.run(run, env=env, check=True, capture_output=True, text=True).stdout)
    assert seen["CRM_ONLINE_STATE"] == f"redis://crm:{(made / 'redis').read_text().strip()}@redis:6379/0"
    found = load_settings(environment={key: value for key, value in seen.items() if "KAFKA" in key}).settings.kafka
    assert (found.sasl, found.user) == ("plain", "crm")
    assert found.password
    assert found.password.get_secret_value() == (made / "kafka").read_text().strip()


def test_kafka_lets_nobody_in_without_the_password(tmp_path: Path, made: Path) -> None:
    kafka = SERVICES["kafka"]
    listeners = dict(one.split(":") for one in kafka["environment"]["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert listeners == {"CONTROLLER": "PLAINTEXT", "INSIDE": "SASL_PLAINTEXT", "OUTSIDE": "SASL_PLAINTEXT"}
    assert "CONTROLLER://localhost:9093" in kafka["environment"]["KAFKA_LISTENERS"].split(",")
    assert {"./deploy/kafka.sh:/kafka.sh:ro", "passwords:/passwords:ro"} <= {*kafka["volumes"]}
    script = (ROOT / "deploy/kafka.sh").read_text().replace("/tmp/client", f"{tmp_path}/client")
    (copy := tmp_path / "kafka.sh").write_text(script)
    env = environment() | {"PASSWORDS": str(made)}
    seen = subprocess.run(["sh", str(copy), "env"], env=env, check=True, capture_output=True, text=True).stdout
    password = (made / "kafka").read_text().strip()
    assert seen.count(f'username="crm" password="{password}" user_crm="{password}";') == 2
    assert f'password="{password}";' in (tmp_path / "client.properties").read_text()
    assert (tmp_path / "client.properties").stat().st_mode & 0o777 == 0o600


def test_there_are_two_workers_and_they_wait_for_kafka_and_redis() -> None:
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    healthy = {"condition": "service_healthy"}
    assert SERVICES["worker"]["depends_on"] == {"kafka": healthy, "redis": healthy}


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"keys"}))
def test_every_service_that_goes_on_has_a_health_check(name: str) -> None:
    built = "build" in SERVICES[name] and "HEALTHCHECK" in dict(instructions())
    assert built or SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_runs_as_root_or_can_become_it(name: str) -> None:
    service = SERVICES[name]
    user = str(service.get("user") or dict(instructions())["USER"])
    assert user.split(":")[0] not in {"", "0", "root"}
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"kafka"}))
def test_the_root_file_system_is_read_only_but_for_kafka(name: str) -> None:
    assert SERVICES[name]["read_only"] is True


def test_only_who_needs_them_reaches_redis_and_kafka() -> None:
    reach = {
        network: {name for name, service in SERVICES.items() if network in service.get("networks", [])}
        for network in read_yaml("docker-compose.yml")["networks"]
    }
    assert reach == {
        "state": {"redis", "worker", "api"},
        "log": {"kafka", "worker", "api"},
        "metrics": {"worker", "api", "prometheus", "grafana"},
    }
    assert read_yaml("docker-compose.yml")["networks"]["state"] == {"internal": True}
    assert SERVICES["keys"]["network_mode"] == "none"


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_takes_all_memory_of_the_machine(name: str) -> None:
    assert re.search(r"\d+(m|g|gb)\}?$", SERVICES[name]["mem_limit"])


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_down(name: str) -> None:
    variables = SERVICES[name].get("environment", {})
    assert not [key for key in variables if re.search(r"PASSWORD|SECRET|TOKEN|PRIVATE|CREDENTIAL", key)]
    assert not [value for value in variables.values() if re.search(r"://[^/]*@", value)]


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - OURS))
def test_images_are_named_with_their_version_and_without_a_host(name: str) -> None:
    image, _, version = SERVICES[name]["image"].partition(":")
    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-alpine)?", version)
    assert "." not in image


def test_what_is_mounted_is_there_and_what_must_stay_is_in_a_volume() -> None:
    declared = read_yaml("docker-compose.yml")["volumes"]
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    for source in (mount.split(":")[0] for mount in mounts):
        assert (ROOT / source).exists() if source.startswith("./") else source in declared
    kafka = SERVICES["kafka"]
    assert f"kafka:{kafka['environment']['KAFKA_LOG_DIRS']}" in kafka["volumes"]
    assert "redis:/data" in SERVICES["redis"]["volumes"]


def test_redis_started_so_writes_each_commit_to_disk_evicts_nothing_and_lets_in_who_knows_the_password(
    tmp_path: Path, made: Path
) -> None:
    command = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", SERVICES["redis"]["command"]).replace("/data", str(tmp_path))
    assert "./deploy/redis.sh:/redis.sh:ro" in SERVICES["redis"]["volumes"]
    command = command.replace("/redis.sh", str(ROOT / "deploy/redis.sh")).replace("/users/", f"{made.parent}/users/")
    socket = tmp_path / "socket"
    with subprocess.Popen(
        [*shlex.split(command), "--port", "0", "--unixsocket", str(socket)], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            assert any("ready to accept connections" in line.lower() for line in server.stdout), (
                "redis-server does not start"
            )
            assert f"@all {RIGHTS}" in (made.parent / "users/users.acl").read_text(), "those of docs/operations.md"
            with redis.Redis(unix_socket_path=str(socket)) as anybody:
                assert anybody.ping(), "as the health check does"
                for ask in (anybody.keys, anybody.config_get, lambda: anybody.get("{crm}:state")):
                    with pytest.raises(redis.exceptions.NoPermissionError):
                        ask()
            password = (made / "redis").read_text().strip()
            with pytest.raises(redis.exceptions.AuthenticationError):
                redis.Redis(unix_socket_path=str(socket), username="crm", password="guessed").ping()
            with open_store(f"unix://crm:{password}@{socket}") as store:
                use_all_of(store)
            with redis.Redis(
                unix_socket_path=str(socket), username="crm", password=password, decode_responses=True
            ) as client:
                wanted = {"appendonly": "yes", "appendfsync": "always", "save": "", "maxmemory-policy": "noeviction"}
                assert client.config_get(*wanted) == wanted
                assert int(client.config_get("maxmemory")["maxmemory"]) > 0
                assert client.config_get("dir") == {"dir": str(tmp_path)}
        finally:
            server.terminate()
