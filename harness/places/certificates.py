"""Certificates of a team's own: an authority, one certificate for the scheduler, one for every other machine."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.places.optional_packages import requires_places_extra
from harness.places.scheduler_address import AUTHORITY, AUTHORITY_KEY

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

VALID_DAYS = 825
"""The longest that systems accept of a certificate."""


@requires_places_extra
def make_certificates(folder: Path, hosts: Sequence[str]) -> list[Path]:
    """Write an authority and two certificates with their keys into a new folder; what was written.

    Args:
        hosts: names and addresses at which the scheduler is reached, in its certificate.

    Raises `HarnessError` where the folder has something in it or cannot be written.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def subject_name(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def builder_for(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))  # clocks of the places differ
            .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        )

    def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
        return key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def certificate_pem(certificate: x509.Certificate) -> bytes:
        return certificate.public_bytes(serialization.Encoding.PEM)

    authority_name, authority_key = subject_name("ml-runtime-harness places"), ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    authority = (
        builder_for(authority_name, authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    written = {AUTHORITY: certificate_pem(authority), AUTHORITY_KEY: key_pem(authority_key)}
    for name, names in (("scheduler", ["localhost", "127.0.0.1", *hosts]), ("place", ["place.invalid"])):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            builder_for(subject_name(name), authority_name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([_general(one) for one in dict.fromkeys(names)]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )
        written |= {f"{name}.pem": certificate_pem(certificate), f"{name}-key.pem": key_pem(key)}
    return _write(folder, written)


def _general(name: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(folder: Path, files: dict[str, bytes]) -> list[Path]:
    """Files that their owner alone can read. Raises `HarnessError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise HarnessError(f"{folder} has files in it; name a new folder, as certificates are not written over.")
        for name, content in files.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
    except OSError as error:
        raise HarnessError(f"Certificates cannot be written to {folder} ({error.strerror}).") from error
    return [folder / name for name in files]
