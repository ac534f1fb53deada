"""Directories that know people and their passwords: LDAP version 3 over TLS.

What a directory refers to is not followed: whoever answers for it could send passwords anywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ipaddress
import secrets
import socket
import ssl
import urllib.parse
from collections.abc import AsyncIterator, Mapping, Sequence

from headrace import errors
from headrace_identity.neighbours import ldap_messages as messages
from headrace_identity.neighbours.ldap_messages import Entry, Malformed
from headrace_identity.rules.ldap_filter import Filter, read_filter
from headrace_identity.rules.sign_in import DirectorySettings, ProvenIdentity

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 15.0
"""How long signing in may wait for a directory altogether."""
SEARCH_SECONDS = 8
MOST_BYTES = 4 * 1024 * 1024
"""Of one answer."""
MOST_GROUPS = 1000
MOST_ADDRESSES = 3
"""Addresses of a directory's name that are tried."""

_PORTS = {"ldap": 389, "ldaps": 636}
_SUCCESS, _SIZE_LIMIT, _REFERRAL, _NO_SUCH_OBJECT, _INVALID_CREDENTIALS = 0, 4, 10, 32, 49
_PASSWORD_REFUSED = frozenset({_INVALID_CREDENTIALS, 19, 48, 53})
"""Also: locked by a policy, without a password, not willing to let this entry in."""
_OWN_GROUPS = "memberOf"


class Ldap:
    """Asks directories who somebody is."""

    async def prove(
        self, settings: DirectorySettings, bind_password: str, name: str, password: str
    ) -> ProvenIdentity | None:
        """Return who has a name and a password; None if nobody has both.

        Args:
            settings: Of the directory.
            bind_password: Of the entry that searches.
            name: As it was typed.
            password: As it was typed.

        Raises:
            errors.Unavailable: The directory does not answer, or not as it should.
        """
        if not name or not password:
            # Directories take an empty password for a wish to be nobody, and grant it.
            return None
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                async with _connected(settings) as connection:
                    return await _prove(connection, settings, bind_password, name, password)
        except TimeoutError:
            raise _unreachable(settings, f"no answer within {WHOLE_SECONDS:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise _unreachable(settings, f"its certificate is not believed: {error.verify_message}") from None
        except (OSError, EOFError) as error:
            raise _unreachable(settings, str(error) or type(error).__name__) from None
        except Malformed:
            raise _unreachable(settings, "what answers does not speak LDAP") from None


def check_settings(settings: DirectorySettings) -> None:
    """Return if a directory can be asked with these settings.

    Raises:
        errors.InvalidArgument: It cannot; the error names the field.
        headrace_identity.rules.ldap_filter.FilterMalformed: A filter is none.
    """
    parts = urllib.parse.urlsplit(settings.url)
    try:
        is_good = parts.scheme in _PORTS and bool(parts.hostname) and parts.path in ("", "/") and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.query or parts.username:
        raise _wrong("url", "must be ldap://host:port or ldaps://host:port")
    if settings.in_the_clear and not (parts.scheme == "ldap" and _is_loopback(parts.hostname or "")):
        raise _wrong("in_the_clear", "passwords go over a network with TLS only")
    if settings.bind_dn == "" and settings.has_bind_password:
        raise _wrong("bind_password", "belongs to an entry: set bind_dn, too")
    try:
        _context(settings)
    except (ssl.SSLError, ValueError):
        raise _wrong("ca_certificates", "holds no certificates in PEM") from None
    read_filter(settings.user_filter, ("name",))
    read_filter(settings.group_filter, ("dn", "name"))


async def _prove(
    connection: _Connection, settings: DirectorySettings, bind_password: str, name: str, password: str
) -> ProvenIdentity | None:
    await _bind_service(connection, settings, bind_password)
    wanted = [settings.subject_attribute, settings.email_attribute, settings.name_attribute]
    if not settings.group_base:
        wanted.append(_OWN_GROUPS)
    condition = read_filter(settings.user_filter, ("name",))
    found = await connection.search(settings.user_base, condition, {"name": name}, wanted, limit=2)
    if len(found) > 1:
        raise errors.Unavailable(
            f"the directory {settings.url} has several entries for one name; make the filter for people narrower",
            reason="PROVIDER_MISCONFIGURED",
        )
    if not found:
        # As long as for somebody who is there, so that nobody learns who is.
        await connection.is_password_of(settings.user_base, secrets.token_urlsafe(16))
        return None
    (entry,) = found
    if not entry.dn or not await connection.is_password_of(entry.dn, password):
        return None
    subject = _only(entry, settings.subject_attribute)
    if not subject:
        raise errors.Unavailable(
            f"the directory {settings.url} tells no {settings.subject_attribute} of people; name an attribute that "
            "never changes",
            reason="PROVIDER_MISCONFIGURED",
        )
    if settings.group_base:
        await _bind_service(connection, settings, bind_password)
        values = {"dn": entry.dn, "name": name}
        condition = read_filter(settings.group_filter, ("dn", "name"))
        groups = await connection.search(
            settings.group_base, condition, values, [settings.group_attribute], limit=MOST_GROUPS
        )
        names = frozenset(value for group in groups for value in _all(group, settings.group_attribute))
    else:
        names = frozenset(_all(entry, _OWN_GROUPS))
    return ProvenIdentity(
        subject=subject,
        email=_only(entry, settings.email_attribute).strip().lower(),
        name=_only(entry, settings.name_attribute),
        groups=names,
    )


async def _bind_service(connection: _Connection, settings: DirectorySettings, password: str) -> None:
    if not await connection.bind(settings.bind_dn, password):
        raise errors.Unavailable(
            f"the directory {settings.url} does not take the password of {settings.bind_dn or 'nobody'}",
            reason="PROVIDER_MISCONFIGURED",
        )


@dataclasses.dataclass(slots=True)
class _Connection:
    """One conversation; a question at a time."""

    url: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    last_id: int

    async def bind(self, dn: str, password: str) -> bool:
        """Become an entry; False if it has another password."""
        self.last_id += 1
        answer = await self._ask(messages.bind(self.last_id, dn, password), messages.BIND_RESPONSE)
        result = messages.read_result(answer)
        if result.code in _PASSWORD_REFUSED:
            return False
        self._refuse_failure(result)
        return True

    async def is_password_of(self, dn: str, password: str) -> bool:
        """Return whether an entry takes a password; nothing may be asked afterwards before the next `bind`."""
        self.last_id += 1
        answer = await self._ask(messages.bind(self.last_id, dn, password), messages.BIND_RESPONSE)
        result = messages.read_result(answer)
        if result.code in _PASSWORD_REFUSED or result.code == _NO_SUCH_OBJECT:
            return False
        self._refuse_failure(result)
        return True

    async def search(
        self, base: str, condition: Filter, values: Mapping[str, str], attributes: Sequence[str], *, limit: int
    ) -> list[Entry]:
        """Return entries below one."""
        self.last_id += 1
        request = messages.search(
            self.last_id,
            base,
            condition,
            values,
            attributes,
            size_limit=limit,
            time_limit_seconds=SEARCH_SECONDS,
        )
        self.writer.write(request)
        await self.writer.drain()
        found: list[Entry] = []
        while True:
            message = await self._read()
            if message.kind == messages.SEARCH_ENTRY:
                if len(found) >= limit:
                    raise Malformed
                found.append(messages.read_entry(message.content))
            elif message.kind == messages.SEARCH_DONE:
                result = messages.read_result(message.content)
                if result.code == _NO_SUCH_OBJECT:
                    raise errors.Unavailable(
                        f"the directory {self.url} has no entry {base}", reason="PROVIDER_MISCONFIGURED"
                    )
                if not (result.code == _SIZE_LIMIT and found):
                    self._refuse_failure(result)
                return found
            elif message.kind != messages.SEARCH_REFERENCE:
                raise Malformed

    async def _ask(self, request: bytes, kind: int) -> bytes:
        self.writer.write(request)
        await self.writer.drain()
        message = await self._read()
        if message.kind != kind:
            raise Malformed
        return message.content

    async def _read(self) -> messages.Message:
        more, size = messages.length_of(await self.reader.readexactly(2))
        if more:
            size = int.from_bytes(await self.reader.readexactly(more))
        if size > MOST_BYTES:
            raise Malformed
        message = messages.read_message(await self.reader.readexactly(size))
        if message.message_id != self.last_id:
            # Also what a directory says before it hangs up.
            raise Malformed
        return message

    def _refuse_failure(self, result: messages.Result) -> None:
        if result.code == _REFERRAL:
            raise errors.Unavailable(
                f"the directory {self.url} refers to another server, which is not followed; name that one",
                reason="PROVIDER_REFERS_ELSEWHERE",
            )
        if result.code != _SUCCESS:
            raise errors.Unavailable(
                f"the directory {self.url} refuses with code {result.code}: {result.message[:200]}",
                reason="PROVIDER_MISCONFIGURED",
            )


@contextlib.asynccontextmanager
async def _connected(settings: DirectorySettings) -> AsyncIterator[_Connection]:
    parts = urllib.parse.urlsplit(settings.url)
    host = parts.hostname or ""
    sock = await _dial(host, parts.port or _PORTS[parts.scheme])
    try:
        is_starting = parts.scheme == "ldap" and not settings.in_the_clear
        if is_starting:
            await _start_tls(sock, settings)
        has_tls = is_starting or parts.scheme == "ldaps"
        reader, writer = await asyncio.open_connection(
            sock=sock, ssl=_context(settings) if has_tls else None, server_hostname=host if has_tls else None
        )
    except BaseException:
        sock.close()
        raise
    connection = _Connection(settings.url, reader, writer, last_id=1)
    try:
        yield connection
        writer.write(messages.unbind(connection.last_id + 1))
    finally:
        # What the directory still wants to say is of no interest.
        writer.transport.abort()


async def _dial(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_SECONDS):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = OSError("it has no address")
    for family, kind, protocol, _, address in found[:MOST_ADDRESSES]:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.sock_connect(sock, address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
    raise failure


async def _start_tls(sock: socket.socket, settings: DirectorySettings) -> None:
    """Agree on TLS. Exactly the answer is read: what somebody on the way puts behind it breaks the handshake."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, messages.start_tls(1))
    more, size = messages.length_of(await _read_exactly(sock, 2))
    if more:
        size = int.from_bytes(await _read_exactly(sock, more))
    if size > MOST_BYTES:
        raise Malformed
    message = messages.read_message(await _read_exactly(sock, size))
    if message.message_id != 1 or message.kind != messages.EXTENDED_RESPONSE:
        raise Malformed
    if messages.read_result(message.content).code != _SUCCESS:
        raise errors.Unavailable(
            f"the directory {settings.url} does not speak TLS after StartTLS; use ldaps:// if it does from the "
            "beginning",
            reason="PROVIDER_MISCONFIGURED",
        )


async def _read_exactly(sock: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        part = await asyncio.get_running_loop().sock_recv(sock, size - len(found))
        if not part:
            raise EOFError("it hung up")
        found += part
    return bytes(found)


def _context(settings: DirectorySettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=settings.ca_certificates or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _only(entry: Entry, attribute: str) -> str:
    return next(iter(_all(entry, attribute)), "")


def _all(entry: Entry, attribute: str) -> list[str]:
    return [_readable(value) for value in entry.attributes.get(attribute.lower(), ())]


def _readable(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        # Such as `objectGUID`, which is sixteen bytes.
        return value.hex()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(field: str, why: str) -> errors.InvalidArgument:
    return errors.InvalidArgument.of_field(f"provider.ldap.{field}", why)


def _unreachable(settings: DirectorySettings, why: str) -> errors.Unavailable:
    return errors.Unavailable(f"the directory {settings.url} cannot be asked: {why}", reason="PROVIDER_UNREACHABLE")
