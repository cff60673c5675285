"""The settings of what runs: kept changes, Kafka, the workers, the HTTP service. Nothing here shapes the state."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from crm_online.settings.fields import (
    Count,
    OptionalCount,
    OptionalRate,
    PositiveDuration,
    Section,
    Size,
    Switch,
    contradiction,
)
from crm_online.settings.network import (
    Address,
    Brokers,
    Networks,
    OptionalAddress,
    OptionalFile,
    OptionalPassword,
    OptionalText,
    Origins,
    Prefix,
    split_address,
)
from crm_online.settings.units import HOUR, MINUTE, SECOND
from crm_online.step import KEEP


class ChangeSettings(Section):
    """The changes that are kept for those who read them from Redis; nothing here shapes the state."""

    keep: Count = Field(
        default=KEEP,
        ge=1000,
        le=10_000_000,
        description="last changes of each topic that a partition keeps, for feeds that resume; about 0.5 kB each",
    )


class KafkaSettings(Section):
    """The Kafka side; nothing here shapes the state."""

    brokers: Brokers = Field(default="localhost:9092", description="brokers to begin with; the others are learned")
    group: str = Field(default="crm-online", min_length=1, description="consumer group of the workers")
    session_timeout: PositiveDuration = Field(
        default=6 * SECOND, description="silence after which a worker counts as dead"
    )
    on_gap: Literal["stop", "skip"] = Field(
        default="stop", description="what to do when the topic no longer holds the next record; skip is recorded"
    )
    prefix: Prefix = Field(default="crm.", description="what the names of all topics begin with")
    partitions: Count = Field(
        default=4, ge=1, le=256, description="partitions of the events topic, if it is not there yet and is created"
    )
    replication: OptionalCount = Field(
        default=None, description="copies of each topic that is created; none: the broker's default"
    )
    tick: PositiveDuration = Field(
        default=10 * SECOND, description="how often time goes on in a partition that gets no events"
    )
    tls: Switch = Field(default=False, description="talk to the brokers by TLS")
    ca_file: OptionalFile = Field(
        default=None, description="certificates (PEM) that the brokers' must be signed by; none: those of the system"
    )
    cert_file: OptionalFile = Field(default=None, description="certificate (PEM) that the client shows")
    key_file: OptionalFile = Field(default=None, description="its private key (PEM); none: it is in cert_file too")
    sasl: Literal["none", "plain", "scram-sha-256", "scram-sha-512"] = Field(
        default="none", description="how user and password are shown; plain sends them readable without kafka.tls"
    )
    user: OptionalText = Field(default=None, description="user of SASL")
    password: OptionalPassword = Field(
        default=None, description="its password, never shown; better set in the environment than with --set"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse what would leave a connection less guarded than it looks."""
        for name in ("ca_file", "cert_file", "key_file"):
            if getattr(self, name) is not None and not self.tls:
                raise contradiction("certificates are used with TLS only", f"kafka.{name}", "kafka.tls")
        if self.key_file is not None and self.cert_file is None:
            raise contradiction("a private key needs its certificate", "kafka.key_file", "kafka.cert_file")
        for name in ("user", "password"):
            given = getattr(self, name) is not None
            if given and self.sasl == "none":
                raise contradiction(f"the {name} would not be used", f"kafka.{name}", "kafka.sasl")
            if not given and self.sasl != "none":
                raise contradiction("SASL needs a user and a password", "kafka.sasl", f"kafka.{name}")
        return self


class WorkerSettings(Section):
    """A worker process; nothing here shapes the state."""

    listen: OptionalAddress = Field(
        default="127.0.0.1:8081", description="where /metrics, /healthz and /readyz are; port 0: a free one; none: off"
    )
    logs: Literal["auto", "json", "text"] = Field(
        default="auto", description="form of the log lines; auto: text on a terminal, json otherwise"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least important lines that are logged"
    )
    stall: PositiveDuration = Field(
        default=MINUTE, description="time without progress after which a partition ends its worker"
    )
    stop_timeout: PositiveDuration = Field(
        default=25 * SECOND, description="time that a worker has to finish when it is stopped"
    )
    outbox: Count = Field(
        default=100_000, ge=1, description="changes of a partition not yet published above which its steps wait"
    )

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of ``listen``; ``None`` if it is off."""
        return None if self.listen is None else split_address(self.listen)


class ServeSettings(Section):
    """The HTTP service; nothing here shapes the state."""

    listen: Address = Field(default="127.0.0.1:8080", description="where the service is; port 0: a free one")
    keys_file: OptionalFile = Field(
        default=None,
        description="file of the keys (`crm-online keys`); none: no key is needed, and only this machine can ask",
    )
    rate: OptionalRate = Field(
        default=1000.0,
        description="requests a second of a key, or of an address without one, and as many at once; none: no limit",
    )
    body: Size = Field(default=1_000_000, description="largest body of a request")
    event_rate: OptionalRate = Field(default=None, description="events a second that a key may send; none: no limit")
    newcomer_rate: OptionalRate = Field(
        default=None, description="customers a minute that a key may send the first events of; none: no limit"
    )
    feeds: Count = Field(default=2000, ge=1, le=100_000, description="feeds of changes that may be open at once")
    feeds_per_key: Count = Field(default=500, ge=1, le=100_000, description="of these, how many of one key")
    currency: OptionalText = Field(
        default=None,
        pattern="^[A-Z]{3}$",
        description="currency of the shop, such as EUR, for the dashboard; none: not said",
    )
    locale: OptionalText = Field(
        default=None,
        pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="how the dashboard writes numbers and times, such as de-CH (BCP 47); none: as British English does",
    )
    zone: OptionalText = Field(
        default=None,
        pattern="^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$",
        description="time zone of the shop for the dashboard, such as Europe/Zurich; none: that of the browser",
    )
    session: PositiveDuration = Field(
        default=12 * HOUR, description="time after which a browser must show its key again"
    )
    connections: Count = Field(
        default=4000, ge=10, le=200_000, description="connections that may be open at once, those of feeds among them"
    )
    refresh: PositiveDuration = Field(
        default=2 * SECOND, description="how often segments, rules and the picture are read again"
    )
    request_timeout: PositiveDuration = Field(
        default=10 * SECOND,
        description="time in which a request must be whole; and for which a reader may take nothing of its answer",
    )
    store_timeout: PositiveDuration = Field(
        default=10 * SECOND, description="time in which Redis must answer; after it the request fails with a 503"
    )
    stop_timeout: PositiveDuration = Field(
        default=5 * SECOND, description="time that requests have to end when the service is stopped"
    )
    cors: Origins = Field(default=(), description="origins whose pages may ask with a key of their own")
    proxies: Networks = Field(
        default=(), description="reverse proxies whose X-Forwarded-For and -Proto say who asks, and how"
    )
    logs: Literal["auto", "json", "text"] = Field(
        default="auto", description="form of the log lines; auto: text on a terminal, json otherwise"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least important lines that are logged"
    )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of ``listen``."""
        return split_address(self.listen)
