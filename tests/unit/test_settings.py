"""Settings: where they come from, and how a bad one is named."""

import re
from pathlib import Path
from typing import Any

import pytest

from ringdove.settings import HostPort, PortRange, Settings, SettingsError


def test_every_setting_has_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.load()
    assert (settings.http, settings.sip) == (HostPort("127.0.0.1", 8088), HostPort("127.0.0.1", 5060))
    assert settings.rtp_ports == PortRange(30000, 39999)
    assert settings.database_url == f"sqlite:///{tmp_path}/data/ringdove.db"
    assert (settings.advertise, settings.client_secret) == (None, None)


def test_flags_go_before_environment_and_environment_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "ringdove.toml"
    file.write_text('http = "1.1.1.1:1"\nsip = "1.1.1.1:1"\nrtp_ports = "2000-2010"\n')
    monkeypatch.setenv("RINGDOVE_CONFIG", str(file))
    monkeypatch.setenv("RINGDOVE_SIP", "2.2.2.2:2")
    monkeypatch.setenv("RINGDOVE_HTTP", "2.2.2.2:2")
    settings = Settings.load(http="3.3.3.3:3", sip=None)
    assert [str(s) for s in (settings.http, settings.sip, settings.rtp_ports)] == [
        "3.3.3.3:3", "2.2.2.2:2", "2000-2010",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.0.0.0:0", ("0.0.0.0", 0)), ("[::1]:5060", ("::1", 5060)), ("pbx.example.org:80", ("pbx.example.org", 80))],
)
def test_addresses_are_read_and_written(text: str, expected: tuple[str, int]) -> None:
    assert tuple(HostPort.parse(text)) == expected
    assert str(HostPort.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "5060", ":5060", "::1:5060", "[127.0.0.1]:1", "a:b", "a:65536", "1.2.3:5", "a b:1"]
)
def test_bad_addresses_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        HostPort.parse(text)


@pytest.mark.parametrize("text", ["", "30000", "1-5", "4000-3000", "30000-70000", "a-b"])
def test_bad_port_ranges_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        PortRange.parse(text)


def test_every_bad_setting_is_named_where_it_was_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "ringdove.toml"
    file.write_text('bogus = 1\nadvertise = "not an address"\n')
    monkeypatch.setenv("RINGDOVE_RTP_PORTS", "many")
    with pytest.raises(SettingsError) as refused:
        Settings.load(config=file, sip="nowhere")
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "--sip", "RINGDOVE_RTP_PORTS", "advertise in the settings file", "bogus in the settings file",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("max_calls", "0", "wants 1 or more"),
        ("max_calls", "1.5", "wants a whole number"),
        ("max_legs", "many", "wants a whole number"),
        ("max_wait", "99999999", "wants 9999999 or less"),
        ("never_ban", "office", "wants addresses or networks, such as 192.0.2.7, 198.51.100.0/24, 2001:db8::/32"),
        ("log_level", "loud", "wants one of 'debug', 'info', 'warning' or 'error'"),
        ("metrics", "perhaps", "wants true or false"),
        ("metrics_token", "short", "wants 8 characters or more"),
        ("moh", "x" * 64, "wants 63 characters or fewer"),
        ("vm_code", "22", "wants 1 to 8 of 0-9, * and #, with a * or # so that it is no number"),
        ("vm_main_code", "*12345678", "wants 1 to 8 of 0-9, * and #, with a * or # so that it is no number"),
        ("vm_to_code", "*a", "wants 1 to 8 of 0-9, * and #, with a * or # so that it is no number"),
        ("vm_longest", "0", "wants 1 or more"),
        ("vm_longest", "3600", "wants 3000 or less"),
        ("vm_storage", "lots", "wants a whole number"),
        ("language", "English", "wants a language such as en or pt-BR"),
        ("smtp_security", "ssl", "wants one of 'none', 'starttls' or 'tls'"),
        ("smtp_from", "me", "wants an address such as pbx@example.com"),
        ("hep", "127.0.0.1:0", "wants the collector's port, such as 192.0.2.9:9060"),
    ],
)
def test_a_bad_setting_is_named_with_its_rule(monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str) -> None:
    monkeypatch.setenv(f"RINGDOVE_{name.upper()}", value)
    with pytest.raises(SettingsError) as refused:
        Settings.load()
    assert str(refused.value) == f"RINGDOVE_{name.upper()}: {why}"


def test_a_bad_setting_in_the_file_is_named_with_its_rule(tmp_path: Path) -> None:
    file = tmp_path / "ringdove.toml"
    file.write_text('max_calls = 1.5\nmetrics = "on or off"\nladder = [1]\nmoh = 3\n')
    with pytest.raises(SettingsError) as refused:
        Settings.load(config=file)
    assert str(refused.value).splitlines() == [
        "moh in the settings file: wants a text",
        "max_calls in the settings file: wants a whole number",
        "ladder in the settings file: wants a whole number",
        "metrics in the settings file: wants true or false",
    ]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("foo", "wants an SQLAlchemy URL"),
        ("postgresql://a:b/c", "wants an SQLAlchemy URL"),
        ("nosuch+driver://h/d", "wants an SQLAlchemy URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql+pg8000://joe:hush-hush@h/d", "pg8000 is not installed"),
        ("postgresql+asyncpg://joe:hush-hush@h/d", "asyncpg is (not installed|an async driver)"),
    ],
)
def test_a_database_that_cannot_be_is_refused_without_showing_its_password(url: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as refused:
        Settings.load(database=url)
    assert str(refused.value).startswith("--database: ")
    assert "hush-hush" not in str(refused.value)


def test_a_database_in_a_file_is_taken() -> None:
    assert Settings.load(database="sqlite:////tmp/x.db").database_url == "sqlite:////tmp/x.db"


@pytest.mark.parametrize("content", [None, "http = = 1"])
def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ringdove.toml"
    if content:
        file.write_text(content)
    with pytest.raises(SettingsError, match=r"RINGDOVE_CONFIG.*ringdove\.toml"):
        Settings.load(config=file)


def test_the_secret_is_not_shown(tmp_path: Path) -> None:
    assert "hush-hush" not in repr(Settings.load(client_id="a", client_secret="hush-hush"))


def test_certificate_and_key_go_together() -> None:
    with pytest.raises(SettingsError, match="RINGDOVE_TLS_KEY: tls_certificate and tls_key are given together"):
        Settings.load(tls_certificate="/etc/pbx.crt")
    with pytest.raises(SettingsError, match="tls_certificate and tls_key are given together or not at all"):
        Settings.load(tls_key="/etc/pbx.key")
    assert Settings.load(tls_certificate="/etc/pbx.crt", tls_key="/etc/pbx.key", sip_tls="[::]:5061").sip_tls == (
        "::",
        5061,
    )


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"vm_code": "*3", "vm_main_code": "*3"}, "VM_TO_CODE: vm_code and vm_main_code are two codes"),
        ({"vm_to_code": "*"}, "--vm-to-code: wants a code that neither vm_code nor vm_main_code begins with"),
        ({"vm_code": "#1"}, "VM_TO_CODE: wants a code that neither vm_code nor vm_main_code begins with"),
        ({"vm_longest": 1}, "VM_SHORTEST: wants less than vm_longest"),
        ({"smtp": "mail.example.com:0"}, "--smtp: wants the mail server's port, such as mail.example.com:587"),
        ({"smtp": "mail.example.com:25"}, "SMTP_FROM: is needed with smtp, such as pbx@example.com"),
        ({"smtp_user": "me"}, "SMTP_PASSWORD: smtp_user and smtp_password are given together or not at all"),
        ({"smtp_password": "hush-hush"}, "smtp_user and smtp_password are given together or not at all"),
    ],
)
def test_voicemail_settings_fit_together(flags: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load(**flags)
    assert why in str(refused.value)
    assert "hush-hush" not in str(refused.value)


def test_mail_can_be_set_up() -> None:
    mail = {"smtp": "[::1]:465", "smtp_security": "tls", "smtp_from": "pbx@example.com"}
    assert Settings.load(**mail, smtp_user="me", smtp_password="hush-hush").smtp == ("::1", 465)


@pytest.mark.parametrize("page", ["README.md", "docs/settings.md"])
def test_every_setting_has_a_row_in_the_docs(page: str) -> None:
    lines = (Path(__file__).parents[2] / page).read_text().splitlines()
    rows = [line.split(" | ")[1] for line in lines if re.match(r"\|[^|]*\| `RINGDOVE_", line)]
    described = set(re.findall(r"RINGDOVE_(\w+)", " ".join(rows)))
    assert described == {name.upper() for name in Settings.model_fields}
