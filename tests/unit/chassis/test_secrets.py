from __future__ import annotations

import base64
import pathlib

import pytest

from headrace import errors
from headrace_chassis.secrets import SecretBox
from headrace_chassis.settings import ServerSettings

OLD, NEW = b"o" * 32, b"n" * 32


def test_what_was_sealed_opens_again_and_never_looks_the_same() -> None:
    box = SecretBox([OLD])
    sealed = [box.seal("gehéim", "automation") for _ in range(2)]
    assert sealed[0] != sealed[1]
    assert [box.open(one, "automation") for one in sealed] == ["gehéim"] * 2
    assert "gehéim".encode() not in base64.b64decode(sealed[0])


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = SecretBox([OLD]).seal("x", "c")
    both = SecretBox([NEW, OLD])
    assert both.open(old, "c") == "x"
    new = both.seal("y", "c")
    assert SecretBox([NEW]).open(new, "c") == "y"
    with pytest.raises(errors.FailedPrecondition):
        SecretBox([OLD]).open(new, "c")


def test_what_was_changed_or_moved_does_not_open() -> None:
    box = SecretBox([OLD])
    sealed = box.seal("x", "c")
    data = bytearray(base64.b64decode(sealed))
    data[-1] ^= 1
    for wrong, context in (
        (sealed, "elsewhere"),
        (base64.b64encode(bytes(data)).decode(), "c"),
        (sealed[:12], "c"),
        ("", "c"),
        ("not base64!", "c"),
    ):
        with pytest.raises(errors.FailedPrecondition) as caught:
            box.open(wrong, context)
        assert caught.value.reason == "SECRET_NOT_READABLE"


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(errors.FailedPrecondition) as caught:
        SecretBox.of_settings(ServerSettings()).seal("x", "c")
    assert caught.value.reason == "ENCRYPTION_KEY_NOT_SET"


def test_keys_come_from_the_settings() -> None:
    box = SecretBox.of_settings(ServerSettings.model_validate({"encryption_key": f"{NEW.hex()}, {OLD.hex()}"}))
    assert box.open(SecretBox([OLD]).seal("x", "c"), "c") == "x"
    for wrong in ("xyz", "00" * 31, f"{NEW.hex()},1"):
        with pytest.raises(errors.InvalidArgument) as caught:
            SecretBox.of_settings(ServerSettings.model_validate({"encryption_key": wrong}))
        assert wrong not in str(caught.value)


def test_keys_come_from_a_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{NEW.hex()}\n{OLD.hex()}\n")
    monkeypatch.setenv("HEADRACE_SERVER_ENCRYPTION_KEY_FILE", str(file))
    box = SecretBox.of_settings(ServerSettings.load())
    assert box.key_names == SecretBox([NEW, OLD]).key_names
    assert box.key_name == SecretBox([NEW]).key_name
    assert NEW.hex()[:8] not in box.key_names
    # What is set itself goes before the file.
    monkeypatch.setenv("HEADRACE_SERVER_ENCRYPTION_KEY", OLD.hex())
    assert SecretBox.of_settings(ServerSettings.load()).key_name == SecretBox([OLD]).key_name
    monkeypatch.delenv("HEADRACE_SERVER_ENCRYPTION_KEY")
    monkeypatch.setenv("HEADRACE_SERVER_ENCRYPTION_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(errors.InvalidArgument, match="cannot read"):
        ServerSettings.load()
