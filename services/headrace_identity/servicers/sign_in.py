"""`SignInService`: how people sign in, and what keeps them signed in."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable

from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import sign_in_pb2 as pb
from headrace.api.v1 import sign_in_pb2_grpc
from headrace_chassis.audit import source_of
from headrace_chassis.caller import current_caller
from headrace_chassis.calls import current_call
from headrace_chassis.forwarding import TrustedProxies
from headrace_chassis.pages import asked_page
from headrace_identity import wire
from headrace_identity.repository import ApiKeys, Directory
from headrace_identity.repository.sign_in import Devices, Providers, SignIns
from headrace_identity.rules.principals import Principal
from headrace_identity.rules.sign_in import Session
from headrace_identity.servicers.calls import Context, principal_id
from headrace_identity.usecases import devices as device_usecases
from headrace_identity.usecases.directories import SigningInWithDirectory
from headrace_identity.usecases.guesses import Guesses
from headrace_identity.usecases.keys import refuse_limited
from headrace_identity.usecases.providers import SigningInElsewhere
from headrace_identity.usecases.signing_in import SigningIn, Source

_SESSION = "session:"
_OPTIONS = 200


class SignInServicer(sign_in_pb2_grpc.SignInServiceServicer):
    """Signs in and out.

    Args:
        signing_in: With passwords.
        elsewhere: With providers.
        directories: With directories.
        store: Sessions.
        providers: Which providers there are.
        devices: Programs that wait.
        directory: Users.
        keys: Makes the keys of programs.
        now: Tells the time.
        internal_token: Proves what the gateway says of where calls come from.
        proxies: Whose word is taken beside the gateway's.
        is_required: Whether one has to sign in here at all.
    """

    def __init__(
        self,
        signing_in: SigningIn,
        elsewhere: SigningInElsewhere,
        directories: SigningInWithDirectory,
        store: SignIns,
        providers: Providers,
        devices: Devices,
        directory: Directory,
        keys: ApiKeys,
        now: Callable[[], datetime.datetime],
        *,
        internal_token: str | None,
        proxies: TrustedProxies,
        is_required: bool,
    ) -> None:
        self._signing_in = signing_in
        self._elsewhere = elsewhere
        self._directories = directories
        self._store = store
        self._providers = providers
        self._devices = devices
        self._directory = directory
        self._keys = keys
        self._now = now
        self._internal_token = internal_token
        self._proxies = proxies
        self._is_required = is_required
        self._guesses = Guesses()
        self._begun = Guesses()

    async def GetSignInOptions(
        self, request: pb.GetSignInOptionsRequest, context: Context
    ) -> pb.GetSignInOptionsResponse:
        """Tell how one can sign in."""
        found = await self._providers.list_page(after="", limit=_OPTIONS)
        return pb.GetSignInOptionsResponse(
            options=[
                pb.SignInOption(provider=each.handle, name=each.name or each.handle, takes_password=each.kind == "ldap")
                for each in found
                if each.is_enabled and each.kind in ("oidc", "ldap")
            ],
            sign_in_required=self._is_required,
        )

    async def SignIn(self, request: pb.SignInRequest, context: Context) -> pb.SignInResponse:
        """Sign in with a password."""
        source = self._source()
        with self._guesses.counting(source.address):
            if request.provider:
                user = await self._directories.prove(request.provider, request.email, request.password)
                session, text = await self._signing_in.begin_session(user, request.provider, source)
            else:
                user, session, text = await self._signing_in.with_password(
                    request.email, request.password, request.code, source
                )
        return pb.SignInResponse(user=wire.to_user(user), session_token=text, expires_at=_stamp(session.expires_at))

    async def BeginProviderSignIn(
        self, request: pb.BeginProviderSignInRequest, context: Context
    ) -> pb.BeginProviderSignInResponse:
        """Begin to sign in with a provider."""
        url, token = await self._elsewhere.begin(request.provider, request.redirect_uri)
        return pb.BeginProviderSignInResponse(authorization_url=url, flow_token=token)

    async def CompleteProviderSignIn(
        self, request: pb.CompleteProviderSignInRequest, context: Context
    ) -> pb.CompleteProviderSignInResponse:
        """End what was begun."""
        user, provider = await self._elsewhere.complete(request.flow_token, request.state, request.code, request.issuer)
        session, text = await self._signing_in.begin_session(user, provider, self._source())
        return pb.CompleteProviderSignInResponse(
            user=wire.to_user(user), session_token=text, expires_at=_stamp(session.expires_at)
        )

    async def SignOut(self, request: pb.SignOutRequest, context: Context) -> pb.SignOutResponse:
        """End the session of the call, or all."""
        user_id = _user_id()
        current = _session_id()
        if current is None and not request.everywhere:
            raise errors.FailedPrecondition("this call belongs to no session", reason="NO_SESSION")
        ended = await self._store.end_sessions(user_id, None if request.everywhere else current)
        return pb.SignOutResponse(ended=ended, signed_out=current is not None)

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Context) -> pb.ListSessionsResponse:
        """Return a page of the caller's sessions."""
        user_id = _user_id()
        page = asked_page(request, "sessions", user_id, key=(uuid.UUID,))
        found = await self._store.list_sessions(user_id, before=page.after_id, limit=page.lookahead)
        shown, token = page.split(found, lambda session: (session.session_id,))
        current = _session_id()
        return pb.ListSessionsResponse(sessions=[_to_session(each, current) for each in shown], next_page_token=token)

    async def DeleteSession(self, request: pb.DeleteSessionRequest, context: Context) -> pb.DeleteSessionResponse:
        """End one session of the caller."""
        if not await self._store.end_sessions(_user_id(), uuid.UUID(request.session_id)):
            raise errors.NotFound("there is no such session", reason="SESSION_NOT_FOUND")
        return pb.DeleteSessionResponse()

    async def SetPassword(self, request: pb.SetPasswordRequest, context: Context) -> pb.SetPasswordResponse:
        """Set the caller's password."""
        await refuse_limited(self._keys, current_caller().credential_id)
        await self._signing_in.set_password(
            _user_id(), request.old_password, request.new_password, keep_session=_session_id()
        )
        return pb.SetPasswordResponse()

    async def BeginTotp(self, request: pb.BeginTotpRequest, context: Context) -> pb.BeginTotpResponse:
        """Make a secret for one-time codes."""
        await refuse_limited(self._keys, current_caller().credential_id)
        secret, uri = await self._signing_in.begin_totp(await self._user(_user_id()), request.password)
        return pb.BeginTotpResponse(secret=secret, uri=uri)

    async def ConfirmTotp(self, request: pb.ConfirmTotpRequest, context: Context) -> pb.ConfirmTotpResponse:
        """Ask for one-time codes from now on."""
        await refuse_limited(self._keys, current_caller().credential_id)
        codes = await self._signing_in.confirm_totp(_user_id(), request.code)
        return pb.ConfirmTotpResponse(recovery_codes=codes)

    async def RemoveTotp(self, request: pb.RemoveTotpRequest, context: Context) -> pb.RemoveTotpResponse:
        """Do without one-time codes again."""
        await refuse_limited(self._keys, current_caller().credential_id)
        await self._signing_in.remove_totp(_user_id(), request.password, request.code)
        return pb.RemoveTotpResponse()

    async def BeginDeviceSignIn(
        self, request: pb.BeginDeviceSignInRequest, context: Context
    ) -> pb.BeginDeviceSignInResponse:
        """Let a program wait."""
        address = self._source().address
        self._begun.begin(address)
        device, secret = await device_usecases.begin(
            self._devices, request.client_name, request.loopback_port, address, self._now()
        )
        response = pb.BeginDeviceSignInResponse(
            device_code=secret,
            user_code=device.user_code,
            verification_path=f"/sign-in/device?code={device.user_code}",
            expires_at=_stamp(device.expires_at),
        )
        response.interval.FromTimedelta(datetime.timedelta(seconds=device_usecases.INTERVAL_SECONDS))
        return response

    async def GetDeviceSignIn(self, request: pb.GetDeviceSignInRequest, context: Context) -> pb.GetDeviceSignInResponse:
        """Return a program that waits."""
        device = await device_usecases.find(self._devices, request.user_code)
        return pb.GetDeviceSignInResponse(
            client_name=device.client_name, address=device.address, created_at=_stamp(device.created_at)
        )

    async def DecideDeviceSignIn(
        self, request: pb.DecideDeviceSignInRequest, context: Context
    ) -> pb.DecideDeviceSignInResponse:
        """Approve or refuse a program."""
        if request.approve:
            await refuse_limited(self._keys, current_caller().credential_id)
        user_id = _user_id()
        device = await device_usecases.decide(self._devices, request.user_code, user_id, approve=request.approve)
        port = device.loopback_port
        url = f"http://127.0.0.1:{port}/?code={device.user_code}" if port else ""
        return pb.DecideDeviceSignInResponse(redirect_url=url)

    async def CollectDeviceSignIn(
        self, request: pb.CollectDeviceSignInRequest, context: Context
    ) -> pb.CollectDeviceSignInResponse:
        """Return the key to a program that was approved."""
        found = await device_usecases.collect(self._devices, self._keys, request.device_code, self._now)
        if found is None:
            return pb.CollectDeviceSignInResponse(pending=True)
        user_id, key = found
        return pb.CollectDeviceSignInResponse(key=key, user=wire.to_user(await self._user(user_id)))

    async def _user(self, user_id: uuid.UUID) -> Principal:
        user = await self._directory.load_principal(user_id)
        if user is None:
            raise errors.NotFound("the user is gone", reason="USER_NOT_FOUND")
        return user

    def _source(self) -> Source:
        call = current_call()
        return Source(*source_of(call.metadata, call.context.peer(), self._internal_token, self._proxies))


def _user_id() -> uuid.UUID:
    caller = current_caller()
    found = principal_id(caller) if caller.principal_kind == "user" else None
    if found is None:
        raise errors.FailedPrecondition("only users sign in and out", reason="NOT_A_USER")
    return found


def _session_id() -> uuid.UUID | None:
    credential = current_caller().credential_id
    return uuid.UUID(credential.removeprefix(_SESSION)) if credential.startswith(_SESSION) else None


def _to_session(session: Session, current: uuid.UUID | None) -> pb.Session:
    return pb.Session(
        session_id=str(session.session_id),
        provider=session.provider,
        address=session.address,
        user_agent=session.user_agent,
        created_at=_stamp(session.created_at),
        last_used_at=_stamp(session.last_used_at),
        expires_at=_stamp(session.expires_at),
        current=session.session_id == current,
    )


def _stamp(moment: datetime.datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
