"""A real Apache Kafka: one node that is broker and controller, to be killed and started again on the same data."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.servers.certificates import Certificates
from tests.servers.client import KafkaClient
from tests.servers.processes import Process, free_port
from tests.servers.server import Server

JARS = ROOT / ".kafka"
"""Where ``make test`` puts the jars that pom.xml names."""

USERS = {"alice": "alice-secret", "bob": "bob-secret"}
"""Users of the secured listener and their passwords, for PLAIN and for SCRAM."""

_CLASSES = JARS / "classes.jsa"
_START_SECONDS = 180.0
_JAVA = [
    *("java", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-UsePerfData"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    *("-cp", f"{JARS}/*"),
]
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "message.max.bytes": "4194304",
    # Records with the times of an old log must not be deleted for their age, unless a topic says so.
    "log.retention.ms": "-1",
    # One copy of everything, and little of it.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": "8388608",
    # What otherwise takes its time. The first is how long a killed broker is not let in again.
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "log.initial.task.delay.ms": "500",
    "log.retention.check.interval.ms": "500",
    "log.cleaner.backoff.ms": "500",
}


class Broker(Server):
    """A broker in a folder, on ports that it keeps.

    Parameters
    ----------
    folder
        Its data, its configuration, and ``broker.log``.
    certificates
        With them it listens with TLS too: ``sasl_address`` asks for a user and password (:data:`USERS`; PLAIN,
        SCRAM-SHA-256, SCRAM-SHA-512), ``tls_address`` for a client's certificate.
    settings
        More of Kafka's own settings.
    beside
        A broker of whose cluster this is the second node.
    """

    def __init__(
        self,
        folder: Path,
        *,
        certificates: Certificates | None = None,
        settings: Mapping[str, str] | None = None,
        beside: Broker | None = None,
    ) -> None:
        super().__init__(folder / "broker.log")
        self.folder, self._beside = folder, beside
        self._certificates = certificates
        listeners = ["PLAINTEXT", "CONTROLLER", *(["SASL_SSL", "SSL"] if certificates else [])]
        self._addresses = {name: f"127.0.0.1:{free_port()}" for name in listeners}
        self._settings = _SETTINGS | self._placed() | (_secured(certificates) if certificates else {})
        self._settings |= settings or {}

    @property
    def address(self) -> str:
        """Host and port without any security."""
        return self._addresses["PLAINTEXT"]

    @property
    def sasl_address(self) -> str:
        """Host and port for TLS with user and password."""
        return self._addresses["SASL_SSL"]

    @property
    def tls_address(self) -> str:
        """Host and port for TLS with a client's certificate."""
        return self._addresses["SSL"]

    @cached_property
    def client(self) -> KafkaClient:
        """A client of the tests: topics, records, offsets."""
        return KafkaClient(self.address)

    @property
    def cluster(self) -> str:
        """The id of its cluster."""
        text = (self.folder / "data" / "meta.properties").read_text()
        return next(line.partition("=")[2] for line in text.splitlines() if line.startswith("cluster.id="))

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _placed(self) -> dict[str, str]:
        if self._beside is not None:
            return {
                "process.roles": "broker",
                "node.id": "2",
                "log.dirs": str(self.folder / "data"),
                "listeners": f"PLAINTEXT://{self.address}",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "controller.quorum.voters": f"1@{self._beside._addresses['CONTROLLER']}",
            }
        kinds = {name: "PLAINTEXT" if name == "CONTROLLER" else name for name in self._addresses}
        return {
            "log.dirs": str(self.folder / "data"),
            "listeners": ",".join(f"{name}://{address}" for name, address in self._addresses.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{kind}" for name, kind in kinds.items()),
            "controller.quorum.voters": f"1@{self._addresses['CONTROLLER']}",
        }

    def _launch(self) -> Process:
        if not self.folder.joinpath("data", "meta.properties").exists():
            self._format()
        if not _CLASSES.exists():
            self._keep_classes()
        return self._run(f"-XX:SharedArchiveFile={_CLASSES}")

    def _run(self, option: str) -> Process:
        return Process([*_JAVA, option, "kafka.Kafka", str(self._properties)], self.log)

    def _wait_until_up(self) -> None:
        """Wait until it answers and leads all partitions."""
        if not self.client.wait_until_ready(_START_SECONDS, lambda: self.running):
            raise AssertionError(f"the broker does not start:\n{self.last_lines()}")

    def _keep_classes(self) -> None:
        """Run it once and keep its loaded classes: from then on every start, of any broker, takes half the time."""
        mine = JARS / f"{uuid.uuid4().hex}.jsa"
        self._process = self._run(f"-XX:ArchiveClassesAtExit={mine}")
        self._wait_until_up()
        self.stop()
        mine.replace(_CLASSES)

    def _format(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings.items()))
        # It may begin with "-": so it is given with "=".
        cluster = (
            self._beside.cluster if self._beside else base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        )
        tool = [*_JAVA, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(self._properties)]
        if self._certificates:
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                for user, password in USERS.items():
                    tool += ["--add-scram", f"{mechanism}=[name={user},password={password}]"]
        done = subprocess.run(tool, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def missing() -> str | None:
    """Return what a broker needs and is not on this machine; None if all is there."""
    if not shutil.which("java"):
        return "there is no java"
    if not (JARS / ".made").exists():
        return f"Apache Kafka is not in {JARS}"
    return None


def need_kafka() -> None:
    """Skip a test where a broker cannot run; in CI it fails."""
    if lacking := missing():
        why = f"the tests on a real Kafka cannot run: {lacking}; `make test` gets it"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)


def _secured(certificates: Certificates) -> dict[str, str]:
    users = " ".join(f'user_{user}="{password}"' for user, password in USERS.items())
    login = "org.apache.kafka.common.security.{}LoginModule required"
    scram = f"{login.format('scram.Scram')};"
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.server_both),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.authority),
        "listener.name.ssl.ssl.client.auth": "required",
        "listener.name.sasl_ssl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f"{login.format('plain.Plain')} {users};",
        "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": scram,
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": scram,
    }
