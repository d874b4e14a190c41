"""Which schedulers may be spoken to: over TLS, or in plain text on this machine alone."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import HarnessError
from harness.places.transport import NoPlaces

CERTIFICATES_VARIABLE = "HARNESS_CERTIFICATES"
AUTHORITY, AUTHORITY_KEY = "ca.pem", "ca-key.pem"
SECONDS = 10.0


@dataclass(frozen=True)
class Certificates:
    """A folder that `harness place --new-certificates` made: the authority, and a certificate with its key."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / AUTHORITY

    def pair(self, name: str = "place") -> tuple[Path, Path]:
        """A certificate and its key."""
        return self.folder / f"{name}.pem", self.folder / f"{name}-key.pem"

    def checked(self) -> Certificates:
        """Itself, where all files are there. Raises `HarnessError`."""
        missing = [path.name for path in (self.authority, *self.pair()) if not path.is_file()]
        if missing:
            raise HarnessError(
                f"{self.folder} has no {' and no '.join(missing)}; copy there what `harness place --new-certificates`"
                " made on one machine."
            )
        return self


@dataclass(frozen=True)
class SchedulerAddress:
    """`tls://host:port` or `tcp://host:port`."""

    protocol: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}://{host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> SchedulerAddress:
        """Raises `HarnessError` with one sentence."""
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urlsplit("")
        if parts.scheme not in ("tls", "tcp") or not host or not port or parts.path not in ("", "/"):
            raise HarnessError(f"'{text}' is no scheduler's address; write tls://HOST:PORT.")
        return cls(parts.scheme, host, port)

    @property
    def on_this_machine(self) -> bool:
        """Whether it is an address of the loopback interface."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def check_allowed(address: SchedulerAddress, certificates: Certificates | None, *, insecure: bool) -> None:
    """Raises `HarnessError` for plain text beyond this machine, and for TLS without certificates."""
    if address.protocol == "tcp" and not address.on_this_machine and not insecure:
        raise HarnessError(
            f"{address} is plain text, and whoever reaches such a scheduler can run code on every place; use tls:// "
            "with certificates (`harness place --new-certificates DIR`), or write --insecure out in a network that is "
            "yours alone."
        )
    if address.protocol == "tls" and certificates is None:
        raise HarnessError(
            f"{address} needs certificates; name their folder with --certificates DIR or {CERTIFICATES_VARIABLE} "
            "(`harness place --new-certificates DIR` makes them)."
        )


def check_scheduler(address: SchedulerAddress, certificates: Certificates | None) -> None:
    """Whether the scheduler answers, and over TLS whether its certificate is of the authority and names its host, which
    Dask does not look at. Raises `NoPlaces`."""
    try:
        with socket.create_connection((address.host, address.port), timeout=SECONDS) as plain:
            if certificates is None or address.protocol != "tls":
                return
            context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(certificates.authority))
            context.load_cert_chain(*map(str, certificates.pair()))
            with context.wrap_socket(plain, server_hostname=address.host):
                return
    except ssl.SSLCertVerificationError as error:
        raise NoPlaces(
            f"The certificate of {address} is not to be trusted ({error.verify_message}); make one that names this host"
            f" (`harness place --new-certificates DIR --host {address.host}`)."
        ) from error
    except ssl.SSLError as error:
        raise NoPlaces(f"{address} does not speak TLS as it should ({error.reason}).") from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise NoPlaces(f"No scheduler answers at {address} ({why}); start it, or correct the address.") from error
