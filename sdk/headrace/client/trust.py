"""Which servers a client believes, and what it shows of itself: TLS, the same for HTTP and gRPC.

Uses the standard library only; gRPC gets the bytes of the same files.
"""

from __future__ import annotations

import dataclasses
import pathlib
import ssl

from headrace import errors
from headrace.settings import Settings

CA_VARIABLE = "HEADRACE_API_CA_FILE"
CERTIFICATE_VARIABLE = "HEADRACE_API_CERT_FILE"
KEY_VARIABLE = "HEADRACE_API_CERT_KEY_FILE"

_OWN_CA = f"If it is your own authority, name its certificate: `headrace config set {CA_VARIABLE} ca.pem`"
_GRPC_FAULTS = (
    "CERTIFICATE_VERIFY_FAILED",
    "Hostname Verification Check failed",
    "CERTIFICATE_REQUIRED",
    "certificate signature failure",
)


class ServerNotTrusted(errors.FailedPrecondition):
    """What answers does not prove that it is the server that was asked for, or refuses this client."""

    default_reason = "SERVER_NOT_TRUSTED"


@dataclasses.dataclass(frozen=True, slots=True)
class Trust:
    """TLS of a client.

    Args:
        authorities: PEM file of the authorities that are believed; None believes those of the machine.
        certificate: PEM file of the client's own certificate, for servers that ask for one.
        key: PEM file of its key; None if it stands in the same file.
    """

    authorities: pathlib.Path | None = None
    certificate: pathlib.Path | None = None
    key: pathlib.Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Trust:
        """Return what the settings say."""
        return cls(settings.ca_file, settings.cert_file, settings.cert_key_file)

    def context(self) -> ssl.SSLContext:
        """Return the context for HTTPS.

        Raises:
            errors.InvalidArgument: A file cannot be used.
        """
        try:
            context = ssl.create_default_context(cafile=self.authorities)
        except (OSError, ValueError) as error:
            raise _unusable(CA_VARIABLE, self.authorities, error) from None
        if self.certificate is not None:
            try:
                context.load_cert_chain(self.certificate, self.key)
            except (OSError, ValueError) as error:
                raise _unusable(CERTIFICATE_VARIABLE, self.certificate, error) from None
        return context

    def pem(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Return authorities, key and certificate as gRPC wants them; None leaves it to gRPC.

        Raises:
            errors.InvalidArgument: A file cannot be read.
        """
        # Where nothing is set, gRPC would look at a list of its own and not at the machine's.
        usual = ssl.get_default_verify_paths().cafile
        authorities = self.authorities or (pathlib.Path(usual) if usual else None)
        key = self.key or self.certificate
        return (
            _read(CA_VARIABLE, authorities),
            _read(KEY_VARIABLE, key),
            _read(CERTIFICATE_VARIABLE, self.certificate),
        )


MACHINE = Trust()
"""The authorities of the machine."""


def refused(address: str, error: ssl.SSLError) -> ServerNotTrusted:
    """Return what a failed handshake means to people, and what to do.

    Args:
        address: Who was asked.
        error: What the handshake said.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return ServerNotTrusted(f"{address} is not trusted: {_judged(error)}")
    said = str(error)
    if "CERTIFICATE_REQUIRED" in said or "HANDSHAKE_FAILURE" in said:
        return ServerNotTrusted(
            f"{address} lets in only clients with a certificate. Set {CERTIFICATE_VARIABLE} and {KEY_VARIABLE} to "
            "yours and its key",
            reason="CLIENT_CERTIFICATE_REQUIRED",
        )
    if "UNKNOWN_CA" in said or "BAD_CERTIFICATE" in said:
        return ServerNotTrusted(
            f"{address} does not take this client's certificate. {CERTIFICATE_VARIABLE} has to be signed by an "
            "authority that the server believes",
            reason="CLIENT_CERTIFICATE_REFUSED",
        )
    if "WRONG_VERSION_NUMBER" in said or "RECORD_LAYER_FAILURE" in said:
        return ServerNotTrusted(
            f"{address} does not speak TLS. Use http:// in HEADRACE_API_URL, or start the server with --tls-cert",
            reason="SERVER_WITHOUT_TLS",
        )
    return ServerNotTrusted(f"the TLS handshake with {address} failed: {said}")


def refused_by_grpc(address: str, details: str) -> ServerNotTrusted | None:
    """Return what a failed gRPC connection says about trust; None if it failed for another reason."""
    if not any(fault in details for fault in _GRPC_FAULTS):
        return None
    if "CERTIFICATE_REQUIRED" in details:
        why = f"it lets in only clients with a certificate. Set {CERTIFICATE_VARIABLE} and {KEY_VARIABLE}"
    elif "Hostname" in details:
        why = "its certificate for gRPC is for another name. Use a name that is in it"
    elif "expired" in details:
        why = "its certificate for gRPC has expired. Renew it"
    else:
        why = f"no authority that is believed signed its certificate for gRPC. {_OWN_CA}"
    return ServerNotTrusted(f"{address} is not trusted: {why}")


def _judged(error: ssl.SSLCertVerificationError) -> str:
    said = error.verify_message
    if "mismatch" in said:
        return f"its certificate is for another name ({said}). Use a name that is in it in HEADRACE_API_URL"
    if "expired" in said:
        return "its certificate has expired. Renew it; the server takes the new one without a restart"
    if "not yet valid" in said:
        return "its certificate is not valid yet. Look at the clocks of both machines"
    if "self-signed" in said or "self signed" in said:
        return f"its certificate is self-signed ({said}). {_OWN_CA}"
    return f"no authority that is believed signed its certificate ({said}). {_OWN_CA}"


def _read(variable: str, path: pathlib.Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unusable(variable, path, error) from None


def _unusable(variable: str, path: pathlib.Path | None, error: Exception) -> errors.InvalidArgument:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return errors.InvalidArgument.of_field(variable, f"{path} cannot be used: {reason}", reason="INVALID_SETTINGS")
