"""TLS by settings: a certificate's files become a context, or an error that names the mend."""

from __future__ import annotations

import ssl
from pathlib import Path

from ..errors import SettingsError
from ..settings import Server


def tls_context(server: Server) -> ssl.SSLContext | None:
    """For a listener; None where no certificate is set. Raises SettingsError."""
    if not server.tls_certificate:
        if server.tls_key:
            raise SettingsError("server.tls_key is set without server.tls_certificate; set both")
        return None
    certificate = Path(server.tls_certificate)
    key = Path(server.tls_key) if server.tls_key else certificate
    for name, path in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise SettingsError(
                f"server.{name}: {path.name} cannot be read: {error.strerror}"
            ) from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(
            f"server.tls_certificate: {certificate.name} and the key in {key.name} are no pair of "
            f"PEM files without a password ({getattr(error, 'reason', None) or error})"
        ) from None
    return context


def _no_password() -> str:
    """Asked for where the key has one: never wait at the terminal for it."""
    raise ValueError("the key has a password")
