"""What the identity service is made of."""

from __future__ import annotations

from headrace_chassis.forwarding import TrustedProxies
from headrace_chassis.secrets import SecretBox
from headrace_chassis.service import Service, ServiceContext
from headrace_chassis.settings import ServerSettings
from headrace_identity import wire
from headrace_identity.neighbours.attempts import StateAttempts
from headrace_identity.neighbours.ldap import Ldap
from headrace_identity.neighbours.mail import InvitationMail
from headrace_identity.neighbours.openid import OpenId
from headrace_identity.queries.audit import PostgresAuditLog
from headrace_identity.queries.changes import Changes
from headrace_identity.queries.directory import PostgresDirectory
from headrace_identity.queries.keys import PostgresApiKeys, PostgresInvitations, PostgresSigningKeys
from headrace_identity.queries.providers import PostgresProviders
from headrace_identity.queries.roles import PostgresRoles
from headrace_identity.queries.sign_in import PostgresDevices, PostgresSignIns, PostgresSignInTries
from headrace_identity.queries.workspaces import PostgresWorkspaces
from headrace_identity.rules.roles import built_in_roles
from headrace_identity.servicers.api_keys import ApiKeyServicer
from headrace_identity.servicers.audit import AuditInternalServicer, AuditServicer
from headrace_identity.servicers.identity_providers import IdentityProviderServicer
from headrace_identity.servicers.internal import IdentityInternalServicer
from headrace_identity.servicers.invitations import InvitationServicer
from headrace_identity.servicers.roles import RoleServicer
from headrace_identity.servicers.service_accounts import ServiceAccountServicer
from headrace_identity.servicers.sign_in import SignInServicer
from headrace_identity.servicers.signing import Signer
from headrace_identity.servicers.teams import TeamServicer
from headrace_identity.servicers.users import UserServicer
from headrace_identity.servicers.workspace import WorkspaceServicer
from headrace_identity.usecases.authenticating import ApiKeyAuthenticator
from headrace_identity.usecases.directories import SigningInWithDirectory
from headrace_identity.usecases.providers import ForeignTokenAuthenticator, SigningInElsewhere
from headrace_identity.usecases.run_tokens import RunTokens
from headrace_identity.usecases.signing_in import Passwords, SessionAuthenticator, SigningIn
from headrace_identity.usecases.tries import Tries


async def build(context: ServiceContext) -> Service:
    """Return the service, ready to be served."""
    changes = Changes(context.database, context.wakeups)
    workspaces = PostgresWorkspaces(context.database, changes)
    directory = PostgresDirectory(context.database, changes)
    roles = PostgresRoles(context.database, changes, built_in_roles(wire.PERMISSION_NAMES))
    keys = PostgresApiKeys(context.database, changes)
    invitations = PostgresInvitations(context.database)
    signing = PostgresSigningKeys(context.database, changes)
    settings, now = context.settings, context.clock.now
    secret_box = SecretBox.of_settings(settings)
    signer = Signer(signing, secret_box, now)
    log = PostgresAuditLog(context.database)
    sign_ins, providers, devices = PostgresSignIns(changes), PostgresProviders(changes), PostgresDevices(changes)
    openid = OpenId()
    tries = Tries(PostgresSignInTries(context.database), secret_box, now)
    signing_in = SigningIn(
        sign_ins, directory, secret_box, Passwords(), tries, now, session_seconds=settings.session_hours * 3600
    )
    elsewhere = SigningInElsewhere(providers, directory, openid, secret_box, now, settings.public_url)
    token = settings.internal_token
    run_tokens = RunTokens(StateAttempts(context.channel), keys, secret_box, now)
    authenticators = (
        ApiKeyAuthenticator(keys, now),
        run_tokens,
        ForeignTokenAuthenticator(providers, openid),
        SessionAuthenticator(sign_ins, now),
    )
    return Service(
        servicers=(
            WorkspaceServicer(workspaces, roles),
            UserServicer(directory, roles),
            TeamServicer(directory),
            RoleServicer(roles, directory),
            ServiceAccountServicer(directory, roles),
            ApiKeyServicer(keys, directory, roles, run_tokens),
            InvitationServicer(invitations, directory, roles, keys, _mail(settings)),
            IdentityInternalServicer(workspaces, directory, roles, signing, signer, authenticators),
            AuditServicer(log),
            AuditInternalServicer(log),
            IdentityProviderServicer(providers, sign_ins, roles, directory, secret_box),
            SignInServicer(
                signing_in,
                elsewhere,
                SigningInWithDirectory(providers, directory, Ldap(), secret_box, tries),
                sign_ins,
                providers,
                devices,
                directory,
                keys,
                now,
                internal_token=token.get_secret_value() if token is not None else None,
                proxies=TrustedProxies(settings.trusted_proxies),
                is_required=settings.auth == "on",
            ),
        ),
        close=openid.close,
    )


def _mail(settings: ServerSettings) -> InvitationMail | None:
    if not settings.smtp_host:
        return None
    password = settings.smtp_password
    return InvitationMail(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=password.get_secret_value() if password is not None else "",
        sender=settings.smtp_sender,
        authorities=str(settings.smtp_ca_file) if settings.smtp_ca_file is not None else None,
        public_url=settings.public_url_or_default,
    )
