"""A real directory, OpenLDAP's slapd, with people and groups in it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
import shutil
from collections.abc import AsyncIterator

from headrace_harness.certificates import Authority
from headrace_harness.servers import eventually, free_port

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
SLAPD = shutil.which("slapd", path=_PATH)
SLAPADD = shutil.which("slapadd", path=_PATH)
LDAPMODIFY = shutil.which("ldapmodify", path=_PATH)

MISSING = "" if SLAPD and SLAPADD and LDAPMODIFY else "slapd is missing (on Debian: apt-get install slapd ldap-utils)"
"""Why tests that need it are left out."""

BASE = "dc=mill,dc=example"
SEARCHER = f"cn=searcher,{BASE}"
SEARCHER_PASSWORD = "it finds people"
OTHER_ADDRESS = "127.0.0.2"
"""It listens there, too, and its certificate says nothing of that."""

_ROOT = f"cn=root,{BASE}"
_ROOT_PASSWORD = "it may change everything"

_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
TLSCACertificateFile {folder}/authority.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
referral ldap://127.0.0.1:1/
security simple_bind={strength}
database mdb
suffix "{base}"
rootdn "{root}"
rootpw "{root_password}"
directory {folder}/data
maxsize 10485760
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{searcher}" read by anonymous auth by * none
"""

_PEOPLE = """
dn: {base}
objectClass: dcObject
objectClass: organization
o: The mill
dc: mill

dn: {searcher}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: searcher
userPassword: {searcher_password}

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people

dn: uid=ada,ou=people,{base}
objectClass: inetOrgPerson
uid: ada
cn: Ada the Miller
sn: Miller
mail: Ada.Miller@example.org
userPassword: grinds every day

dn: uid=bob*,ou=people,{base}
objectClass: inetOrgPerson
uid: bob*
cn: Bob (the carter)
sn: Carter
mail: bob@example.org
userPassword: carts (sacks) \\*

dn: uid=twin,ou=people,{base}
objectClass: inetOrgPerson
uid: twin
cn: One
sn: One
mail: one@example.org
userPassword: we are two

dn: cn=Other,ou=people,{base}
objectClass: inetOrgPerson
uid: twin
cn: Other
sn: Other
mail: other@example.org
userPassword: we are two

dn: ou=elsewhere,ou=people,{base}
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://127.0.0.1:1/ou=people,{base}

dn: ou=groups,{base}
objectClass: organizationalUnit
ou: groups

dn: cn=millers,ou=groups,{base}
objectClass: groupOfNames
cn: millers
member: uid=ada,ou=people,{base}
member: {searcher}

dn: cn=carters,ou=groups,{base}
objectClass: groupOfNames
cn: carters
member: uid=bob*,ou=people,{base}
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Slapd:
    """The directory, up."""

    port: int
    tls_port: int
    authority: Authority

    @property
    def url(self) -> str:
        """Where it speaks in the clear, and TLS after StartTLS."""
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        """Where it speaks TLS from the beginning."""
        return f"ldaps://127.0.0.1:{self.tls_port}"

    async def change(self, ldif: str) -> None:
        """Change entries."""
        process = await asyncio.create_subprocess_exec(
            str(LDAPMODIFY),
            "-x",
            "-H",
            f"ldap://127.0.0.1:{self.port}",
            "-D",
            _ROOT,
            "-w",
            _ROOT_PASSWORD,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate(ldif.encode())
        assert process.returncode == 0, said.decode()


@contextlib.asynccontextmanager
async def a_directory(folder: pathlib.Path, *, needs_tls: bool = False) -> AsyncIterator[Slapd]:
    """Lend a directory.

    Args:
        folder: For its files.
        needs_tls: Whether it takes no passwords in the clear.
    """
    authority = Authority.new()
    (folder / "data").mkdir(parents=True)
    (folder / "authority.pem").write_bytes(authority.certificate)
    authority.issue("localhost", folder / "server.pem", folder / "server.key", serial=7)
    configuration = folder / "slapd.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            folder=folder,
            base=BASE,
            root=_ROOT,
            root_password=_ROOT_PASSWORD,
            searcher=SEARCHER,
            strength=128 if needs_tls else 0,
        )
    )
    people = _PEOPLE.format(base=BASE, searcher=SEARCHER, searcher_password=SEARCHER_PASSWORD)
    filling = await asyncio.create_subprocess_exec(
        str(SLAPADD),
        "-f",
        str(configuration),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await filling.communicate(people.encode())
    assert filling.returncode == 0, said.decode()
    port, tls_port = free_port(), free_port()
    addresses = f"ldap://127.0.0.1:{port} ldap://{OTHER_ADDRESS}:{port} ldaps://127.0.0.1:{tls_port}"
    with (folder / "slapd.log").open("wb") as log:
        # With a level of debugging, even none, it stays in the foreground.
        process = await asyncio.create_subprocess_exec(
            str(SLAPD), "-f", str(configuration), "-h", addresses, "-d", "0", stdout=log, stderr=log
        )
    try:

        async def answers() -> bool:
            assert process.returncode is None, (folder / "slapd.log").read_text()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", tls_port)
            except OSError:
                return False
            writer.close()
            return True

        await eventually(answers)
        yield Slapd(port, tls_port, authority)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
