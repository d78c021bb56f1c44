"""Settings: flags of `ringdove serve`, then environment `RINGDOVE_*`, then a TOML file, then the defaults."""

import os
import re
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ringdove.guard.bans import BanRules
from ringdove.guard.guard import GuardRules
from ringdove.guard.rates import RateRules
from ringdove.setting_values import Code, Networks, check_database

_HOST_NAME = re.compile(
    r"^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$"
)


_LONGEST = 9_999_999
"""Seconds that can be asked for, 115 days: as many as the interfaces take."""


class LogLevel(StrEnum):
    """What is not logged: everything that matters less."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """For whom lines of the log are."""

    AUTO = "auto"
    """A person at a terminal, and a collector elsewhere."""
    JSON = "json"
    CONSOLE = "console"


class SmtpSecurity(StrEnum):
    """How mail is protected on its way to the mail server."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"
    """From the first octet, usually on port 465."""


class SettingsError(ValueError):
    """Settings that cannot be used; the text names each of them."""


class HostPort(NamedTuple):
    """An address to listen on. Port 0 takes any free one; an IPv6 host stands without its brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port` or `[v6]:port`. Raises ValueError."""
        host, colon, port = text.strip().rpartition(":")
        if not colon or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
            raise ValueError("wants HOST:PORT, such as 127.0.0.1:5060 or [::1]:5060, with a port from 0 to 65535")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
            if ":" not in host:
                raise ValueError("wants an IPv6 address inside the brackets")
        elif ":" in host:
            raise ValueError("wants an IPv6 address in brackets, such as [::1]:5060")
        return cls(check_host(host), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class PortRange(NamedTuple):
    """Ports from `first` to `last`, both included."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `first-last`. Raises ValueError."""
        match = re.fullmatch(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*", text)
        first, last = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1024 <= first < last <= 65535:
            raise ValueError("wants FIRST-LAST, such as 30000-39999, within 1024 to 65535")
        return cls(first, last)

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def check_host(host: str) -> str:
    """Return `host` where it is an IP address or a host name. Raises ValueError."""
    try:
        return str(ip_address(host))
    except ValueError:
        if not _HOST_NAME.match(host) or re.fullmatch(r"[0-9.]+", host):
            raise ValueError(f"{host!r} is neither an IP address nor a host name") from None
        return host


def _parsed(kind: type[HostPort] | type[PortRange]) -> BeforeValidator:
    return BeforeValidator(lambda value: kind.parse(value) if isinstance(value, str) else value)


Listen = Annotated[HostPort, _parsed(HostPort), PlainSerializer(str)]


Ports = Annotated[PortRange, _parsed(PortRange), PlainSerializer(str)]


class Settings(BaseSettings):
    """Everything that is fixed while the server runs (design section 6). Use `Settings.load`, which words errors."""

    model_config = SettingsConfigDict(
        env_prefix="RINGDOVE_", extra="forbid", frozen=True, env_ignore_empty=True, enable_decoding=False
    )

    config: Path | None = Field(default=None, description="A TOML file with settings.")
    data: Path = Field(default=Path("data"), description="The folder for everything that is kept.")
    http: Listen = Field(default=HostPort("127.0.0.1", 8088), description="Where the API listens.")
    sip: Listen = Field(default=HostPort("127.0.0.1", 5060), description="Where SIP listens, UDP and TCP.")
    sip_tls: Listen | None = Field(default=None, description="Where SIP listens, TLS; not at all by default.")
    tls_certificate: Path | None = Field(default=None, description="A PEM file; default: one is made.")
    tls_key: Path | None = Field(default=None, validate_default=True, description="The PEM file with its key.")
    large_over_tcp: bool = Field(
        default=True, description="Send requests over 1300 octets by TCP to phones on UDP that take them so."
    )
    rtp_ports: Ports = Field(default=PortRange(30000, 39999), description="UDP ports for audio.")
    advertise: str | None = Field(default=None, description="The address in SDP, Contact and Via.")
    database: str | None = Field(default=None, description="SQLAlchemy URL; default: SQLite in the data folder.")
    client_id: str | None = Field(default=None, min_length=1, max_length=127, description="Of the API application.")
    client_secret: SecretStr | None = Field(default=None, min_length=8, description="Of the API application.")

    caller_name_prefix: str = Field(
        default="", max_length=127, description="Before the caller's name on a group's phones, such as \"{group}: \"."
    )
    answer_first: bool = Field(
        default=False,
        description="Answer callers before a prompt is played, for lines that do not pass on what is heard before.",
    )
    moh: str = Field(
        default="default", min_length=1, max_length=63, description="The playlist that `follow_system` stands for."
    )
    q850_reason: bool = Field(
        default=False, description="Say “answered elsewhere” in the Q.850 form too, for phones that read only that."
    )

    max_calls: int = Field(default=1000, ge=1, description="Calls at once.")
    max_calls_per_extension: int = Field(default=100, ge=1, description="Calls at once that one extension is in.")
    max_legs: int = Field(default=1000, ge=1, description="Phones that one call rings over its whole life.")
    max_call_duration: int = Field(
        default=10_800, ge=0, le=_LONGEST, description="Seconds from the answer to the end of a call; 0 for no limit."
    )
    max_wait: int = Field(
        default=3600, ge=0, le=_LONGEST, description="Seconds until somebody takes a call; 0 for no limit."
    )

    vm_code: Code = Field(default="*2", description="What somebody dials to get into the own mailbox.")
    vm_main_code: Code = Field(default="*02", description="What is dialled to get into any mailbox.")
    vm_to_code: Code = Field(
        default="#", validate_default=True, description="What is dialled before a number to leave a message there."
    )
    # less than the hour of a file that can be kept: a phone's clock may run fast
    vm_longest: int = Field(default=300, ge=1, le=3000, description="Seconds of the longest message.")
    vm_shortest: int = Field(default=1, ge=0, le=60, description="Seconds of speech below which nothing is a message.")
    vm_silence: int = Field(default=10, ge=1, le=3600, description="Seconds of silence that end a message.")
    vm_messages: int = Field(default=100, ge=1, le=10_000, description="Messages that a mailbox takes.")
    vm_storage: int = Field(default=10_000, ge=1, le=100_000_000, description="MiB that all messages may take.")
    language: str = Field(default="en", description="Of what the server says to callers.")
    smtp: Listen | None = Field(default=None, description="The mail server that voicemail is sent by; default: none.")
    smtp_security: SmtpSecurity = Field(default=SmtpSecurity.STARTTLS, description="How the way there is secured.")
    smtp_user: str | None = Field(default=None, min_length=1, max_length=254, description="The login there.")
    smtp_password: SecretStr | None = Field(default=None, validate_default=True, description="The password there.")
    smtp_from: str | None = Field(
        default=None, validate_default=True, max_length=254, description="The address that mails come from."
    )

    ban_failures: int = Field(
        default=30, ge=1, le=10_000, description="Failed logins of one address within ten minutes that are too many."
    )
    ban_seconds: int = Field(
        default=600, ge=1, le=_LONGEST, description="How long such an address is banned; twice as long the next time."
    )
    never_ban: Networks = Field(default=(), description="Networks that are never banned nor slowed down.")
    strangers_rate: int = Field(
        default=100, ge=1, le=1_000_000, description="Requests a second that an address may send without a login."
    )

    log_level: LogLevel = Field(default=LogLevel.INFO, description="The least that is logged.")
    log_format: LogFormat = Field(default=LogFormat.AUTO, description="Lines for a person, or JSON.")
    hep: Listen | None = Field(default=None, description="A HEP collector (Homer) that SIP messages are copied to.")
    hep_id: int = Field(default=2001, ge=0, le=2**32 - 1, description="This server's id as a capture agent.")
    hep_password: SecretStr | None = Field(default=None, min_length=1, max_length=255, description="Of the collector.")
    ladder: int = Field(default=100, ge=0, le=10_000, description="Recent calls whose SIP messages are kept in memory.")
    metrics: bool = Field(default=True, description="Whether there is /metrics.")
    metrics_token: SecretStr | None = Field(
        default=None, min_length=8, description="What has to be borne to see /metrics; default: nothing."
    )

    @field_validator("vm_to_code")
    @classmethod
    def _codes_differ(cls, value: str, others: ValidationInfo) -> str:
        exact = [others.data[name] for name in ("vm_code", "vm_main_code") if name in others.data]
        if len(set(exact)) < len(exact):
            raise ValueError("vm_code and vm_main_code are two codes")
        if any(code.startswith(value) for code in exact):
            raise ValueError("wants a code that neither vm_code nor vm_main_code begins with")
        return value

    @field_validator("vm_shortest")
    @classmethod
    def _shorter(cls, value: int, others: ValidationInfo) -> int:
        if value >= others.data.get("vm_longest", value + 1):
            raise ValueError("wants less than vm_longest")
        return value

    @field_validator("language")
    @classmethod
    def _a_language(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
            raise ValueError("wants a language such as en or pt-BR")
        return value

    @field_validator("smtp")
    @classmethod
    def _a_mail_port(cls, value: HostPort | None) -> HostPort | None:
        if value is not None and not value.port:
            raise ValueError("wants the mail server's port, such as mail.example.com:587")
        return value

    @field_validator("smtp_password")
    @classmethod
    def _a_whole_login(cls, value: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if (value is None) != (others.data.get("smtp_user") is None):
            raise ValueError("smtp_user and smtp_password are given together or not at all")
        return value

    @field_validator("smtp_from")
    @classmethod
    def _a_sender(cls, value: str | None, others: ValidationInfo) -> str | None:
        if value is None and others.data.get("smtp") is not None:
            raise ValueError("is needed with smtp, such as pbx@example.com")
        if value is not None and not re.fullmatch(r"[!-?A-~]+@[!-?A-~]+", value):
            raise ValueError("wants an address such as pbx@example.com")
        return value

    @field_validator("hep")
    @classmethod
    def _a_port(cls, value: HostPort | None) -> HostPort | None:
        if value is not None and not value.port:
            raise ValueError("wants the collector's port, such as 192.0.2.9:9060")
        return value

    @field_validator("advertise")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        return None if value is None else check_host(value.strip("[]"))

    @field_validator("tls_key")
    @classmethod
    def _both_or_neither(cls, value: Path | None, others: ValidationInfo) -> Path | None:
        if (value is None) != (others.data.get("tls_certificate") is None):
            raise ValueError("tls_certificate and tls_key are given together or not at all")
        return value

    @field_validator("database")
    @classmethod
    def _a_usable_database(cls, value: str | None) -> str | None:
        return None if value is None else check_database(value)

    @classmethod
    def load(cls, **flags: Any) -> Self:
        """Read the settings; flags that are None count as not given. Raises SettingsError naming each bad one."""
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as broken:
            lines = [f"{_where(error['loc'], given)}: {_why(error)}" for error in broken.errors(include_url=False)]
            raise SettingsError("\n".join(lines)) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources; the TOML file is the one that flags or environment name."""
        path = init_settings().get("config") or env_settings().get("config")
        if path is None:
            return init_settings, env_settings
        if not Path(path).is_file():
            raise SettingsError(f"RINGDOVE_CONFIG: there is no file {path}")
        try:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(path))
        except ValueError as broken:
            raise SettingsError(f"RINGDOVE_CONFIG: {path}: {broken}") from None

    @property
    def database_url(self) -> str:
        """The database as an SQLAlchemy URL."""
        return self.database or f"sqlite:///{self.data.absolute() / 'ringdove.db'}"

    @property
    def guard_rules(self) -> GuardRules:
        """What the keeper of the SIP door goes by."""
        bans = BanRules(failures=self.ban_failures, first=self.ban_seconds, longest=max(3_600, self.ban_seconds))
        rates = RateRules(source=self.strangers_rate, burst=10 * self.strangers_rate)
        return GuardRules(sources=bans, rates=rates, never=self.never_ban)

    @property
    def keys(self) -> Path:
        """The folder for secrets of this installation."""
        return self.data / "keys"

    @property
    def node(self) -> Path:
        """The file with this node's name among all that share a database."""
        return self.data / "node"

    @property
    def running(self) -> Path:
        """The file that says, while a server runs, where its API listens: for the command line."""
        return self.data / "running"

    @property
    def spool(self) -> Path:
        """The folder for messages that are in no mailbox yet."""
        return self.data / "voicemail"


def _where(location: tuple[int | str, ...], flags: dict[str, Any]) -> str:
    name = str(location[0]) if location else "settings"
    if name in flags:
        return f"--{name.replace('_', '-')}"
    variable = f"RINGDOVE_{name.upper()}"
    has_file = "config" in flags or "RINGDOVE_CONFIG" in os.environ
    return f"{name} in the settings file" if has_file and variable not in os.environ else variable


_RULES = {
    "extra_forbidden": "no such setting",
    "enum": "wants one of {expected}",
    "int_parsing": "wants a whole number",
    "int_from_float": "wants a whole number",
    "int_type": "wants a whole number",
    "string_type": "wants a text",
    "bool_parsing": "wants true or false",
    "bool_type": "wants true or false",
    "greater_than_equal": "wants {ge} or more",
    "less_than_equal": "wants {le} or less",
    "string_too_short": "wants {min_length} characters or more",
    "string_too_long": "wants {max_length} characters or fewer",
    "too_short": "wants {min_length} characters or more",
    "too_long": "wants {max_length} characters or fewer",
}
"""What pydantic's kinds of errors are called here."""


def _why(error: Any) -> str:
    if error["type"] in _RULES:
        return _RULES[error["type"]].format_map(error.get("ctx", {}))
    return str(error["msg"]).removeprefix("Value error, ")
