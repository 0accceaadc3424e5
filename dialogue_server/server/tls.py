"""TLS by settings: a certificate's files become a context, or an error that names the mend."""

from __future__ import annotations

import contextlib
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


def refused(context: ssl.SSLContext, certificate: Path, host: str = "") -> str:
    """Why every client refuses the certificate of a listener's context, by its time or, where one
    is given, by the host's name; "" if none needs to. Who has signed it is not asked. Found by a
    handshake in memory, since that is what clients do."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(certificate)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.check_hostname = bool(host)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(down, up, server_hostname=host or None)
    answering = context.wrap_bio(up, down, server_side=True)
    try:
        for _ in range(4):
            for side in (asking, answering):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except ssl.SSLError:
        return ""  # it fails for another reason, which is not the certificate's
    return ""
