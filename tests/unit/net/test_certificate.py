"""Certificates in files: what cannot be used is named, what changes is read again, what is missing is made."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from structlog.testing import capture_logs

from ringdove.net.certificate import Certificate, CertificateError, load, read_certificate
from ringdove.net.self_signed import LIFETIME, RENEW, self_signed

NOW = datetime.now(UTC)


def issue(
    folder: Path, name: str = "pbx", *, ends: timedelta = timedelta(days=90), password: bytes = b""
) -> list[Path]:
    """A certificate and its key as somebody else makes them."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW + min(ends, timedelta()) - timedelta(days=1))
        .not_valid_after(NOW + ends)
        .sign(key, SHA256())
    )
    files = [folder / f"{name}.crt", folder / f"{name}.key"]
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return files


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    certificate, key = issue(tmp_path)
    with pytest.raises(CertificateError, match=f"^{tmp_path}/no.crt: No such file or directory$"):
        load(tmp_path / "no.crt", key)
    with pytest.raises(CertificateError, match=f"^{tmp_path}/no.key: No such file or directory$"):
        load(certificate, tmp_path / "no.key")


def test_files_that_hold_something_else_are_named(tmp_path: Path) -> None:
    certificate, key = issue(tmp_path)
    with pytest.raises(CertificateError, match=f"^{key}: holds no certificate in PEM form$"):
        load(key, key)
    with pytest.raises(CertificateError, match=f"^{certificate}: holds no private key in PEM form$"):
        load(certificate, certificate)
    with pytest.raises(CertificateError, match=f"^{tmp_path}: Is a directory$"):
        load(tmp_path, key)


def test_the_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    certificate, _ = issue(tmp_path, "a")
    _, other = issue(tmp_path, "b")
    with pytest.raises(CertificateError, match=f"^{other}: is not the key of {certificate}$"):
        load(certificate, other)


def test_a_key_behind_a_passphrase_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="passphrase"):
        load(*issue(tmp_path, password=b"secret"))


@pytest.mark.parametrize(
    ("days", "warning"),
    [(-1, "certificate_expired"), (10, "certificate_expires_soon"), (90, None)],
)
def test_a_certificate_that_is_over_or_soon_will_be_is_used_with_a_warning(
    tmp_path: Path, days: int, warning: str | None
) -> None:
    with capture_logs() as logs:
        load(*issue(tmp_path, ends=timedelta(days=days)))
    assert [entry["event"] for entry in logs] == ([warning] if warning else [])


def test_tls_1_2_is_the_least(tmp_path: Path) -> None:
    context = load(*issue(tmp_path))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    names = [cipher["name"] for cipher in context.get_ciphers()]
    assert all(name.startswith(("TLS_", "ECDHE-", "DHE-")) for name in names), "a cipher without forward secrecy"


def test_files_that_changed_are_read_for_the_next_handshake(tmp_path: Path) -> None:
    files = issue(tmp_path, "pbx")
    certificate = Certificate(*files)
    first = certificate()
    assert certificate() is first
    for new, old in zip(issue(tmp_path, "new"), files, strict=True):
        new.replace(old)
    second = certificate()
    assert second is not first
    assert certificate() is second


def test_a_change_that_cannot_be_used_keeps_the_certificate_before_and_is_told_once(tmp_path: Path) -> None:
    """As when a renewal has written the certificate and not yet the key."""
    files = issue(tmp_path, "pbx")
    certificate = Certificate(*files)
    first = certificate()
    new = issue(tmp_path, "new")
    new[0].replace(files[0])
    with capture_logs() as logs:
        assert certificate() is first
        assert certificate() is first
    assert [entry["event"] for entry in logs] == ["certificate_unusable"]
    new[1].replace(files[1])
    assert certificate() is not first
    files[1].unlink()
    assert certificate() is not first


def _names(file: Path) -> list[str]:
    names = read_certificate(file).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


class TestSelfSigned:
    def test_one_is_made_for_all_names_and_only_the_owner_may_read_it(self, tmp_path: Path) -> None:
        files = self_signed(tmp_path / "keys", ["192.0.2.7", "2001:db8::7", "pbx.example.org"])
        load(*files)
        assert _names(files[0]) == ["192.0.2.7", "2001:db8::7", "pbx.example.org"]
        assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600", "0o600"]
        assert oct((tmp_path / "keys").stat().st_mode & 0o777) == "0o700"
        assert sorted(os.listdir(tmp_path / "keys")) == ["sip-tls.crt", "sip-tls.key"]

    def test_it_is_made_once(self, tmp_path: Path) -> None:
        files = self_signed(tmp_path, ["192.0.2.7", "pbx"])
        before = [file.read_bytes() for file in files]
        assert self_signed(tmp_path, ["pbx"]) == files
        assert [file.read_bytes() for file in files] == before

    def test_it_is_renewed_a_year_before_it_ends_with_the_same_key(self, tmp_path: Path) -> None:
        certificate, key = self_signed(tmp_path, ["pbx"])
        before = certificate.read_bytes(), key.read_bytes()
        self_signed(tmp_path, ["pbx"], now=NOW + LIFETIME - RENEW - timedelta(days=1))
        assert certificate.read_bytes() == before[0]
        self_signed(tmp_path, ["pbx"], now=NOW + LIFETIME - RENEW + timedelta(days=1))
        assert certificate.read_bytes() != before[0]
        assert key.read_bytes() == before[1]

    def test_a_name_that_it_lacks_is_added(self, tmp_path: Path) -> None:
        certificate, _ = self_signed(tmp_path, ["192.0.2.7", "pbx"])
        self_signed(tmp_path, ["192.0.2.8"])
        assert _names(certificate) == ["192.0.2.8", "192.0.2.7", "pbx"]

    def test_a_certificate_that_a_crash_left_in_pieces_is_made_anew(self, tmp_path: Path) -> None:
        certificate, key = self_signed(tmp_path, ["pbx"])
        certificate.write_bytes(certificate.read_bytes()[:200])
        load(*self_signed(tmp_path, ["pbx"]))
        key.unlink()
        load(*self_signed(tmp_path, ["pbx"]))

    def test_a_key_that_somebody_broke_is_named_and_kept(self, tmp_path: Path) -> None:
        _, key = self_signed(tmp_path, ["pbx"])
        key.write_text("mine")
        with pytest.raises(CertificateError, match=f"^{key}: holds no private key"):
            self_signed(tmp_path, ["pbx"])
        issue(tmp_path, "other")[1].replace(key)
        with pytest.raises(CertificateError, match=f"^{key}: is not the key that was made"):
            self_signed(tmp_path, ["pbx"])
