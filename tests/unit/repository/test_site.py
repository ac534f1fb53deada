"""The documentation becomes a site without a link that leads nowhere, and its reference says what there is."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from tools import site

from headrace.settings import Settings
from headrace_chassis.settings import ServerSettings
from headrace_gateway.contract import load_contract

ROOT = Path(__file__).resolve().parents[3]


@dataclasses.dataclass(frozen=True)
class Built:
    """A site that was built."""

    pages: Path
    site: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The site, in a folder that no other test builds into at the same time."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "tools.site", "--made", str(folder / "made"), "--into", str(folder / "docs")]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return Built(folder / "made" / "pages", folder / "docs")


def test_links_lead_to_pages_of_the_site() -> None:
    places = {"README.md": "index.md", "docs/flows.md": "flows.md", "docs/adr/0001-a.md": "adr/0001-a.md"}
    text = (
        "[a](docs/flows.md#x) [b](LICENSE) [c](https://a.b/c) [d](#here)\n```\n[e](docs/flows.md)\n```\n[f](docs/adr)"
    )
    expected = "[a](flows.md#x) b [c](https://a.b/c) [d](#here)\n```\n[e](docs/flows.md)\n```\n[f](adr/index.md)"
    assert site.page_of_the_site(text, "README.md", places) == expected
    back = site.page_of_the_site("[g](../flows.md)", "docs/adr/0001-a.md", places)
    assert back == "[g](../flows.md)"


def test_every_page_becomes_one_of_the_site_and_nothing_is_fetched(built: Built) -> None:
    for place in site.sources().values():
        folder = built.site / (
            place.removesuffix("index.md") if place.endswith("index.md") else place.removesuffix(".md")
        )
        html = (folder / "index.html").read_text()
        assert "<h1" in html, place
        assert "fonts.googleapis" not in html
    assert (built.pages / "adr" / "index.md").is_file()


def test_the_reference_has_every_method_command_and_setting(built: Built) -> None:
    api = (built.pages / "reference" / "api.md").read_text()
    for method in load_contract().methods:
        assert f"### {method.name}\n" in api
    settings = (built.pages / "reference" / "settings.md").read_text()
    for field in dataclasses.fields(Settings):
        assert f"`{field.metadata['env']}`" in settings
    for name in ServerSettings.model_fields:
        assert f"`HEADRACE_SERVER_{name.upper()}`" in settings or name == "database_url"
    commands = (built.pages / "reference" / "commands.md").read_text()
    for command in ("headrace server database backup", "headrace flow-run ls", "headrace worker start"):
        assert f" {command}\n" in commands
