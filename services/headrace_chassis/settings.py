"""Settings of a server process, from `HEADRACE_SERVER_*` environment variables."""

from __future__ import annotations

import ipaddress
import json
import pathlib
from typing import Annotated, Any, Literal

import pydantic
import pydantic_settings

from headrace import errors

ServiceName = Literal["state", "scheduler", "log", "notification", "identity"]
SERVICE_NAMES: tuple[ServiceName, ...] = ("state", "scheduler", "log", "notification", "identity")

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _listed(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [each.strip() for each in value.split(",") if each.strip()]


_Listed = Annotated[tuple[str, ...], pydantic_settings.NoDecode, pydantic.BeforeValidator(_listed)]
"""Several texts, as JSON or separated by commas."""


class ServerSettings(pydantic_settings.BaseSettings):
    """All settings that services and the composition root read. Unknown values are refused with the variable's name."""

    model_config = pydantic_settings.SettingsConfigDict(
        env_prefix="HEADRACE_SERVER_", extra="ignore", populate_by_name=True, frozen=True, validate_default=True
    )

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, pydantic.Field(ge=0, le=65535)] = 4200
    """HTTP port of the gateway; 0 takes a free one."""
    grpc_port: Annotated[int, pydantic.Field(ge=0, le=65535)] | None = None
    """gRPC port; by default the HTTP port + 1."""
    metrics_port: Annotated[int, pydantic.Field(ge=0, le=65535)] | None = None
    """A further HTTP port, in the clear, with `/metrics`, `/health` and `/ready` alone; for every part of a server.
    The gateway answers these on its own port, too. None opens none."""
    processes: Annotated[int, pydantic.Field(ge=1, le=64)] = 1
    """Server processes that share the ports."""
    process_number: Annotated[int, pydantic.Field(ge=1, le=64)] = 1
    """Which of them this is; the supervisor says so."""
    process_directory: pathlib.Path | None = None
    """Where the processes find each other's metrics; the supervisor makes it."""
    log_level: LogLevel = "INFO"
    database_url: pydantic.SecretStr | None = pydantic.Field(
        default=None,
        validation_alias=pydantic.AliasChoices("HEADRACE_DATABASE_URL", "HEADRACE_SERVER_DATABASE_URL"),
    )
    """The one Postgres of all services; without it the embedded one."""
    database_wait_seconds: Annotated[float, pydantic.Field(ge=0, le=3600)] = 30.0
    """How long a start waits for Postgres to answer, as when everything starts at once."""
    allow_newer_database: bool = False
    """Whether to work with a database that a newer release has migrated, as while an upgrade is rolled out or back."""
    pool_min_size: Annotated[int, pydantic.Field(ge=0, le=100)] = 1
    pool_max_size: Annotated[int, pydantic.Field(ge=1, le=100)] = 4
    """Database connections of each service in each process."""
    drain_seconds: Annotated[float, pydantic.Field(ge=0, le=3600)] = 10.0
    """How long calls in progress may go on after SIGTERM."""
    default_deadline_seconds: Annotated[float, pydantic.Field(gt=0, le=3600)] = 30.0
    """Deadline of unary calls whose client set none."""
    max_message_bytes: Annotated[int, pydantic.Field(ge=64 * 1024, le=256 * 1024 * 1024)] = 16 * 1024 * 1024
    internal_token: pydantic.SecretStr | None = None
    """Shared by all services of an installation; calls between services carry it."""
    auth: Literal["off", "on"] = "off"
    """Whether callers have to prove who they are; must be on where others than this machine can connect."""
    session_hours: Annotated[float, pydantic.Field(gt=0, le=8760)] = 168.0
    """How long somebody stays signed in."""
    allow_without_sign_in: bool = False
    """Whether everyone who can connect beyond loopback is the owner; only for networks that you trust."""
    tls_cert_file: pathlib.Path | None = None
    """Certificate chain, PEM: with it HTTP and gRPC are served over TLS. It is read again when it changes."""
    tls_key_file: pathlib.Path | None = None
    """Key of the certificate, PEM."""
    tls_client_ca_file: pathlib.Path | None = None
    """Authorities, PEM: whoever connects has to show a certificate that one of them signed."""
    tls_neighbour_ca_file: pathlib.Path | None = None
    """Authorities, PEM, that signed the certificates of the other services; with it they are called over TLS, and
    shown this process's own certificate."""
    advertised_grpc_tls: bool | None = None
    """Whether clients reach gRPC over TLS, where that is not this process but a proxy in front of it."""
    reflection: bool = False
    """Whether gRPC reflection is served."""
    allowed_hosts: _Listed = ()
    """Further names under which browsers know a server on loopback, for example `ci.local`; several as JSON or
    separated by commas."""
    trusted_proxies: _Listed = ()
    """Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, addresses or networks, for example
    `10.0.0.0/8`; several as JSON or separated by commas; by default those of nobody."""
    allowed_origins: _Listed = ()
    """Origins of web pages that may call the HTTP API, for example `https://ci.example.org`; several as JSON or
    separated by commas."""
    prefect_api: bool = True
    """Whether the API of Prefect's server is served below `/api`, for Prefect's own clients."""
    prefect_silence_seconds: Annotated[float, pydantic.Field(ge=0, le=86400)] = 540.0
    """How long a run of Prefect's client that has given a sign of life may be silent; then it has crashed. At least
    three times the client's `PREFECT_FLOWS_HEARTBEAT_FREQUENCY` (180 s if not set); 0 lets all be silent."""
    outbox_retention_days: Annotated[int, pydantic.Field(ge=1, le=365)] = 7
    history_retention_days: Annotated[int, pydantic.Field(ge=1, le=36500)] | None = 90
    """Days that transitions and events are kept; None keeps them."""
    flow_run_retention_days: Annotated[float, pydantic.Field(gt=0, le=36500)] | None = 90.0
    """Days that final flow runs are kept, with what belongs to them, where a workspace has no rule; None keeps them."""
    background_task_run_retention_days: Annotated[float, pydantic.Field(gt=0, le=36500)] | None = 30.0
    """Days that final background task runs are kept, where a workspace has no rule; None keeps them."""
    artifact_retention_days: Annotated[float, pydantic.Field(gt=0, le=36500)] | None = 90.0
    """Days that artifacts are kept that are not the latest of their key, where a workspace has no rule; None keeps
    them."""
    log_retention_days: Annotated[int, pydantic.Field(ge=1, le=36500)] | None = 30
    """Days that log records are kept; None keeps them."""
    log_max_message_bytes: Annotated[int, pydantic.Field(ge=256, le=1024 * 1024)] = 64 * 1024
    """Where the messages of log records are cut."""
    log_lines_per_second: Annotated[int, pydantic.Field(ge=0)] = 0
    """Log lines a second that each workspace may write through each process of the server; 0 is no limit."""
    log_bytes_per_day: Annotated[int, pydantic.Field(ge=0)] = 0
    """Bytes of log records that each workspace may write a day (UTC); 0 is no limit."""
    log_sink_folder: pathlib.Path | None = None
    """Where log sinks of the kind file have their folders; None: there are none of that kind."""
    encryption_key: pydantic.SecretStr | None = None
    """Encrypts secrets in the database: 64 hexadecimal digits. Several, separated by commas, for a change of
    keys: the first one encrypts, all of them decrypt."""
    encryption_key_file: pathlib.Path | None = None
    """A file with what `encryption_key` would be, a key in each line; read once, where that is not set."""
    delivery_claim_seconds: Annotated[float, pydantic.Field(ge=2, le=600)] = 30.0
    """After this long without an outcome, a delivery that a process was trying is tried by another; a try takes at
    most half of it."""
    built_in_automations: bool = True
    """Whether workspaces get the automations that they have from the start."""
    metric_interval_seconds: Annotated[float, pydantic.Field(ge=0.1, le=3600)] = 15.0
    """How often the figures are measured that triggers of automations look at."""
    egress_allow: _Listed = ()
    """Hosts (`mattermost.lan`, `*.corp.example`) and networks (`10.0.0.0/8`) beside the public internet that webhooks
    and channels may reach, as JSON or separated by commas."""
    public_url: str = ""
    """Where people reach this server, for links in messages, for example `https://headrace.example.org`; by default the
    address that it listens on."""
    smtp_host: str = ""
    """SMTP server by which the server itself sends e-mail, such as invitations; without one it sends none."""
    smtp_port: Annotated[int, pydantic.Field(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str = ""
    smtp_password: pydantic.SecretStr | None = None
    smtp_sender: str = ""
    """Whom these e-mails come from, for example `Headrace <headrace@example.org>`."""
    smtp_ca_file: pathlib.Path | None = None
    """Authorities, PEM, that signed the SMTP server's certificate; without, those of the machine."""
    task_run_events: Literal["matched", "all"] = "matched"
    """Which states of task runs become events: failures and what an enabled automation expects, or all of them."""
    addresses: dict[str, str] = pydantic.Field(default_factory=dict)
    """gRPC targets of the other services as JSON, for example `{"state": "state:4201"}`."""
    state_address: str = ""
    """gRPC target of the state service, in place of an entry in `addresses`; likewise those below."""
    scheduler_address: str = ""
    log_address: str = ""
    notification_address: str = ""
    identity_address: str = ""
    advertised_grpc_address: str = ""
    """`host:port` at which clients reach gRPC, where that is not this process but a proxy in front of it."""

    @pydantic.field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @pydantic.field_validator("addresses")
    @classmethod
    def _known_services(cls, value: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(value) - set(SERVICE_NAMES))
        if unknown:
            raise ValueError(f"unknown service {', '.join(unknown)}; known are {', '.join(SERVICE_NAMES)}")
        return value

    @pydantic.field_validator("trusted_proxies")
    @classmethod
    def _known_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network)
        return value

    @pydantic.model_validator(mode="after")
    def _pool_bounds(self) -> ServerSettings:
        if self.pool_min_size > self.pool_max_size:
            raise ValueError("pool_min_size must not be above pool_max_size")
        return self

    @pydantic.model_validator(mode="after")
    def _mail_with_sender(self) -> ServerSettings:
        if self.smtp_host and not self.smtp_sender:
            raise ValueError("e-mails need a sender: set HEADRACE_SERVER_SMTP_SENDER beside HEADRACE_SERVER_SMTP_HOST")
        return self

    @pydantic.model_validator(mode="after")
    def _certificate_with_key(self) -> ServerSettings:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("a certificate needs its key and a key its certificate: set both --tls-cert and --tls-key")
        if self.tls_client_ca_file is not None and self.tls_cert_file is None:
            raise ValueError("asking clients for certificates needs one of the server's own: set --tls-cert")
        return self

    @property
    def is_tls(self) -> bool:
        """Whether this process serves TLS."""
        return self.tls_cert_file is not None

    @property
    def grpc_port_or_default(self) -> int:
        """The gRPC port: as set, else the HTTP port + 1, or 0 if that is 0."""
        if self.grpc_port is not None:
            return self.grpc_port
        return self.port + 1 if self.port else 0

    @property
    def public_url_or_default(self) -> str:
        """Where people reach this server, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host
        scheme = "https" if self.tls_cert_file is not None else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def targets(self) -> dict[str, str]:
        """gRPC targets of the other services by name, from all settings that name them."""
        single = {name: str(getattr(self, f"{name}_address")) for name in SERVICE_NAMES}
        return {**self.addresses, **{name: address for name, address in single.items() if address}}

    @pydantic.model_validator(mode="before")
    @classmethod
    def _read_key_file(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("encryption_key") or not values.get("encryption_key_file"):
            return values
        path = pathlib.Path(values["encryption_key_file"])
        try:
            text = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a text"
            raise ValueError(f"HEADRACE_SERVER_ENCRYPTION_KEY_FILE: cannot read {path} ({reason})") from None
        return {**values, "encryption_key": ",".join(text.split())}

    @classmethod
    def load(cls, **values: Any) -> ServerSettings:
        """Return the settings of this process's environment.

        Args:
            values: What goes before the environment.

        Raises:
            errors.InvalidArgument: A value is wrong; the message names the variables.
        """
        try:
            return cls(**values)
        except pydantic.ValidationError as error:
            violations = [
                errors.FieldViolation(_variable(fault["loc"]), fault["msg"].removeprefix("Value error, "))
                for fault in error.errors(include_input=False, include_url=False)
            ]
            raise errors.InvalidArgument(violations=violations, reason="INVALID_SETTINGS") from None
        except pydantic_settings.SettingsError as error:
            raise errors.InvalidArgument(f"{error}: {error.__cause__}", reason="INVALID_SETTINGS") from error


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else ""
    if name.startswith("HEADRACE_"):
        return name
    return "HEADRACE_SERVER_" + name.upper() if name else "HEADRACE_SERVER_*"
