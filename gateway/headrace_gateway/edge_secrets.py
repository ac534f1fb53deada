"""Certificates of an Envoy, in files that it watches: what is renewed is taken without a restart.

Envoy watches what a file of its own names, not what its configuration does. So there is one such file for each
certificate and each authority, and the configuration names that.
"""

from __future__ import annotations

from typing import Any

from headrace_gateway.edge_parts import TYPE

_SECRET = f"{TYPE}envoy.extensions.transport_sockets.tls.v3.Secret"


def certificate_secret(name: str, certificate: str, key: str) -> dict[str, Any]:
    """Return what the file has to say that names a certificate.

    Args:
        name: How the configuration calls it, as for `named`.
        certificate: File of the certificate with its chain, PEM. A renewed one is taken when it is moved into place.
        key: File of its key, PEM.
    """
    files = {"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}
    return _secret(name, tls_certificate={**files, "watched_directory": {"path": _folder(certificate)}})


def authority_secret(name: str, authority: str) -> dict[str, Any]:
    """Return what the file has to say that names the certificates of authorities.

    Args:
        name: How the configuration calls them, as for `named`.
        authority: File with them, PEM. What is moved into its place is taken from then on.
    """
    trusted = {"trusted_ca": {"filename": authority}, "watched_directory": {"path": _folder(authority)}}
    return _secret(name, validation_context=trusted)


def named(name: str, file: str) -> dict[str, Any]:
    """Return how the configuration names what stands in `file`."""
    return {"name": name, "sds_config": {"path_config_source": {"path": file}}}


def _secret(name: str, **content: Any) -> dict[str, Any]:
    return {"resources": [{"@type": _SECRET, "name": name, **content}]}


def _folder(file: str) -> str:
    return file.rpartition("/")[0] or "."
