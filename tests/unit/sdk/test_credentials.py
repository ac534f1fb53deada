"""Where keys are kept: in a keyring, through the library `keyring`, or in the profile."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import keyring.backend
import keyring.errors
import pytest

from headrace import errors
from headrace.credentials import SERVICE, api_key_of, forget_key, keep_key
from headrace.settings import Settings


class Memory(keyring.backend.KeyringBackend):
    """A keyring that forgets."""

    priority = 5

    def __init__(self, *, is_locked: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self._is_locked = is_locked

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self._is_locked:
            raise keyring.errors.KeyringLocked("nobody is there to unlock it")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise keyring.errors.PasswordDeleteError("not found")
        del self.kept[service, username]


@pytest.fixture
def using() -> Iterator[type[Memory]]:
    before = keyring.get_keyring()
    yield Memory
    keyring.set_keyring(before)


def test_a_key_goes_into_the_keyring_and_the_profile_points_to_it(using: type[Memory]) -> None:
    memory = using()
    keyring.set_keyring(memory)
    kept = keep_key("default http://127.0.0.1:4200", "hr_secret")
    assert kept == "keyring:default http://127.0.0.1:4200"
    assert memory.kept == {(SERVICE, "default http://127.0.0.1:4200"): "hr_secret"}
    assert api_key_of(Settings(api_key=kept)) == "hr_secret"
    forget_key(kept)
    assert memory.kept == {}
    forget_key(kept)
    with pytest.raises(errors.Unauthenticated) as caught:
        api_key_of(Settings(api_key=kept))
    assert caught.value.reason == "KEY_NOT_IN_KEYRING"


def test_a_keyring_that_cannot_be_used_leaves_the_key_in_the_profile(using: type[Memory]) -> None:
    keyring.set_keyring(using(is_locked=True))
    assert keep_key("name", "hr_secret") == "hr_secret"
    memory = using()
    memory.priority = 0
    keyring.set_keyring(memory)
    assert keep_key("name", "hr_secret") == "hr_secret"
    keyring.set_keyring(using())
    assert keep_key("name", "hr_secret", may_use_keyring=False) == "hr_secret"
    assert api_key_of(Settings(api_key="hr_secret")) == "hr_secret"
    forget_key("hr_secret")
