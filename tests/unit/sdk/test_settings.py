from __future__ import annotations

import pathlib

import pytest

from headrace import errors
from headrace.profiles import ProfileError, Profiles, load_profiles, save_profiles
from headrace.settings import SETTING_NAMES, check_setting, explain_settings, get_settings, load_settings


def home_with(tmp_path: pathlib.Path, text: str) -> dict[str, str]:
    (tmp_path / "profiles.toml").write_text(text)
    return {"HEADRACE_HOME": str(tmp_path)}


def test_the_environment_comes_before_the_profile_and_the_default(tmp_path: pathlib.Path) -> None:
    environ = home_with(
        tmp_path,
        'active = "work"\n[profiles.work]\nHEADRACE_API_URL = "http://127.0.0.1:1"\nHEADRACE_LOG_PRINTS = true\n',
    )
    environ["HEADRACE_API_URL"] = "http://127.0.0.1:2/"
    sources = {value.env: (value.value, value.source) for value in explain_settings(environ)}
    assert sources["HEADRACE_API_URL"] == ("http://127.0.0.1:2", "environment")
    assert sources["HEADRACE_LOG_PRINTS"] == (True, "profile work")
    assert sources["HEADRACE_API_KEY"] == (None, "default")
    assert sources["HEADRACE_PROFILE"] == ("work", "profiles file")


def test_every_setting_can_be_explained_and_says_what_it_is_for(tmp_path: pathlib.Path) -> None:
    values = explain_settings({"HEADRACE_HOME": str(tmp_path)})
    assert [value.env for value in values] == list(SETTING_NAMES)
    assert all(value.description for value in values)
    assert [value.env for value in values if value.is_secret] == ["HEADRACE_API_KEY"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HEADRACE_API_URL", "localhost:4200", "expected a URL like"),
        ("HEADRACE_API_URL", "http://user:pw@127.0.0.1:4200", "without a user name or password"),
        ("HEADRACE_API_URL", "http://127.0.0.1:port", "HEADRACE_API_URL"),
        ("HEADRACE_LOG_PRINTS", "perhaps", "expected true or false"),
        ("HEADRACE_LOGGING_LEVEL", "LOUD", "DEBUG"),
        ("HEADRACE_API_TIMEOUT_SECONDS", "-1", "above 0"),
        ("HEADRACE_API_GRPC_ADDRESS", "127.0.0.1", "expected host:port"),
        ("HEADRACE_RESULTS_SERIALIZER", "xml", "pickle"),
        ("HEADRACE_API_KEY", "hk_a\nhk_b", "without spaces"),
    ],
)
def test_a_wrong_value_names_its_variable_and_what_is_expected(
    tmp_path: pathlib.Path, name: str, value: str, said: str
) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        load_settings({"HEADRACE_HOME": str(tmp_path), name: value})
    assert name in str(caught.value)
    assert said in str(caught.value)


def test_the_value_of_a_secret_is_not_in_the_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.InvalidArgument) as caught:
        load_settings({"HEADRACE_HOME": str(tmp_path), "HEADRACE_WORKSPACE_ID": "no-uuid"})
    assert "no-uuid" in str(caught.value)
    for given in ("hr-secret", "hr-secret\r\n"):
        settings = load_settings({"HEADRACE_HOME": str(tmp_path), "HEADRACE_API_KEY": given})
        assert settings.api_key == "hr-secret"


def test_a_corrupt_profiles_file_says_where_and_gives_the_way_out(tmp_path: pathlib.Path) -> None:
    environ = home_with(tmp_path, "active = work\n")
    with pytest.raises(ProfileError) as caught:
        load_settings(environ)
    message = str(caught.value)
    assert str(tmp_path / "profiles.toml") in message
    assert "line 1" in message
    assert "mv " in message


@pytest.mark.parametrize(
    "text",
    ["active = 3\n", "[profiles]\nwork = 1\n", "other = 1\n", "[profiles.work]\nHEADRACE_API_URL = [1]\n", "\0\xff"],
)
def test_a_profiles_file_of_the_wrong_shape_is_refused(tmp_path: pathlib.Path, text: str) -> None:
    with pytest.raises(ProfileError, match="mv "):
        load_settings(home_with(tmp_path, text))


def test_an_unknown_profile_is_refused_with_those_that_exist(tmp_path: pathlib.Path) -> None:
    environ = home_with(tmp_path, '[profiles.work]\nHEADRACE_API_URL = "http://127.0.0.1:1"\n')
    with pytest.raises(ProfileError, match=r"default, work.*headrace profile create home"):
        load_settings({**environ, "HEADRACE_PROFILE": "home"})


def test_profiles_survive_being_written_and_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "deep" / "profiles.toml"
    profiles = Profiles(path).with_values("work", {"HEADRACE_API_KEY": 'a "quoted" key\\n ü'}).activated("work")
    save_profiles(profiles)
    assert load_profiles(path) == profiles
    assert path.stat().st_mode & 0o077 == 0
    save_profiles(profiles.without("work"))
    assert load_profiles(path).active is None


def test_a_change_of_the_profiles_file_is_seen_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path))
    assert get_settings().log_prints is False
    home_with(tmp_path, "[profiles.default]\nHEADRACE_LOG_PRINTS = true\n")
    assert get_settings().log_prints is True
    monkeypatch.setenv("HEADRACE_LOG_PRINTS", "off")
    assert get_settings().log_prints is False


def test_a_setting_is_checked_before_it_is_written() -> None:
    check_setting("HEADRACE_API_URL", "http://127.0.0.1:4200")
    with pytest.raises(errors.InvalidArgument, match="is not a setting"):
        check_setting("HEADRACE_API_URI", "x")
    with pytest.raises(errors.InvalidArgument, match="environment only"):
        check_setting("HEADRACE_HOME", "/x")
    with pytest.raises(errors.InvalidArgument, match="expected true or false"):
        check_setting("HEADRACE_LOG_PRINTS", "x")
