"""TLS of a server process: its certificate, read again when the files change, and whom it believes.

The same certificate is shown on HTTP and gRPC, and is the process's own one where neighbours ask for one. Files
that cannot be used, as while they are being replaced, leave what was loaded before in force.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib
import ssl
import threading

import grpc

from headrace import errors
from headrace_chassis.settings import ServerSettings

logger = logging.getLogger(__name__)

_Stamp = tuple[tuple[int, int, int], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Loaded:
    stamp: _Stamp
    certificate: bytes
    key: bytes
    client_ca: bytes | None
    context: ssl.SSLContext


class ServerTls:
    """The certificate that a process shows.

    Args:
        certificate: PEM, the chain with the process's own certificate first.
        key: PEM, without a passphrase.
        client_ca: PEM; clients must show a certificate that it signed. None asks them for none.

    Raises:
        errors.InvalidArgument: A file cannot be read, or they do not belong together.
    """

    def __init__(self, certificate: pathlib.Path, key: pathlib.Path, client_ca: pathlib.Path | None = None) -> None:
        self.certificate = certificate
        self.key = key
        self.client_ca = client_ca
        self._lock = threading.Lock()
        self._refused: _Stamp | None = None
        read_pem(certificate, "HEADRACE_SERVER_TLS_CERT_FILE")
        read_pem(key, "HEADRACE_SERVER_TLS_KEY_FILE")
        if client_ca is not None:
            read_pem(client_ca, "HEADRACE_SERVER_TLS_CLIENT_CA_FILE")
        self._loaded = self._load(self._stamp())

    @classmethod
    def of_settings(cls, settings: ServerSettings) -> ServerTls | None:
        """Return what the settings ask for, None where they ask for no TLS.

        Raises:
            errors.InvalidArgument: The files cannot be used.
        """
        if settings.tls_cert_file is None or settings.tls_key_file is None:
            return None
        return cls(settings.tls_cert_file, settings.tls_key_file, settings.tls_client_ca_file)

    def pair(self) -> tuple[bytes, bytes]:
        """Return key and certificate, PEM, as they are now."""
        current = self._current()
        return current.key, current.certificate

    def http_context(self) -> ssl.SSLContext:
        """Return the context for HTTP; each new connection is shown the certificate that is there then."""
        first = self._loaded.context

        def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            current = self._current()
            if current.context is not first:
                connection.context = current.context

        first.sni_callback = choose
        return first

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """Return the credentials for gRPC; each new connection is shown the certificate that is there then."""
        shown = self._loaded

        # The stubs do not know that None stands for no change.
        def fetch() -> grpc.ServerCertificateConfiguration | None:
            nonlocal shown
            current = self._current()
            if current is shown:
                return None
            shown = current
            return _configuration(current)

        return grpc.dynamic_ssl_server_credentials(
            _configuration(shown),
            fetch,  # type: ignore[arg-type]
            require_client_authentication=self.client_ca is not None,
        )

    def _current(self) -> _Loaded:
        try:
            stamp = self._stamp()
        except OSError:
            # Between the removal of the old file and the arrival of the new one.
            return self._loaded
        with self._lock:
            if stamp not in (self._loaded.stamp, self._refused):
                try:
                    self._loaded = self._load(stamp)
                    logger.info("the certificate in %s has changed and is shown from now on", self.certificate)
                except errors.InvalidArgument as error:
                    self._refused = stamp
                    logger.warning("the certificate has changed and cannot be used, the old one stays: %s", error)
            return self._loaded

    def _stamp(self) -> _Stamp:
        paths = [path for path in (self.certificate, self.key, self.client_ca) if path is not None]
        return tuple((found.st_ino, found.st_mtime_ns, found.st_size) for found in (path.stat() for path in paths))

    def _load(self, stamp: _Stamp) -> _Loaded:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        certificate = read_pem(self.certificate, "HEADRACE_SERVER_TLS_CERT_FILE")
        key = read_pem(self.key, "HEADRACE_SERVER_TLS_KEY_FILE")
        client_ca = None
        if self.client_ca is not None:
            client_ca = read_pem(self.client_ca, "HEADRACE_SERVER_TLS_CLIENT_CA_FILE")
        load_chain(context, self.certificate, self.key, "HEADRACE_SERVER_TLS_KEY_FILE")
        if client_ca is not None:
            try:
                context.load_verify_locations(cadata=client_ca.decode("ascii"))
            except (ssl.SSLError, ValueError) as error:
                raise errors.InvalidArgument.of_field(
                    "HEADRACE_SERVER_TLS_CLIENT_CA_FILE", f"{self.client_ca} holds no certificate ({error})"
                ) from None
            context.verify_mode = ssl.CERT_REQUIRED
        return _Loaded(stamp, certificate, key, client_ca, context)


def neighbour_credentials(settings: ServerSettings) -> grpc.ChannelCredentials | None:
    """Return the credentials with which this process calls other services; None for calls in the clear.

    They are read when the channel is opened: a new authority is taken at the next start.

    Raises:
        errors.InvalidArgument: The files cannot be used.
    """
    if settings.tls_neighbour_ca_file is None:
        return None
    authority = read_pem(settings.tls_neighbour_ca_file, "HEADRACE_SERVER_TLS_NEIGHBOUR_CA_FILE")
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return grpc.ssl_channel_credentials(authority)
    own = ServerTls(settings.tls_cert_file, settings.tls_key_file)
    return grpc.ssl_channel_credentials(authority, *own.pair())


def read_pem(path: pathlib.Path, variable: str) -> bytes:
    """Return the content of a file.

    Raises:
        errors.InvalidArgument: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise errors.InvalidArgument.of_field(variable, f"cannot read {path} ({error.strerror})") from None


def load_chain(context: ssl.SSLContext, certificate: pathlib.Path, key: pathlib.Path, variable: str) -> None:
    """Load a certificate and its key.

    Raises:
        errors.InvalidArgument: They are none, or do not belong together.
    """
    try:
        # A key with a passphrase would ask for it on the terminal.
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise errors.InvalidArgument.of_field(
            variable, f"{key} is not the key of the certificate in {certificate}, or one of them is no PEM ({error})"
        ) from None


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase; take it away with `openssl pkey`")


def _configuration(loaded: _Loaded) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(loaded.key, loaded.certificate)], root_certificates=loaded.client_ca
    )
