"""Build the documentation as a site into build/docs: `make docs`. Links that lead nowhere end it.

The guides are those of docs/; what a site has beside them (the start page, reference, the list of decisions) is made
here, from the README, the code and the decisions themselves.
"""

from __future__ import annotations

import argparse
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from tools import reference

ROOT = Path(__file__).resolve().parent.parent
MADE = ROOT / ".make" / "site"
SITE = ROOT / "build" / "docs"

# Pages that stand elsewhere in the repository -> where they stand in the site.
_ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "clients/README.md": "clients.md",
}
_DECISIONS = "adr/index.md"
_IMAGES = "docs/images/"
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~)", re.MULTILINE)


def sources() -> dict[str, str]:
    """Return where each page of the repository stands in the site, by its path."""
    guides = {page.relative_to(ROOT).as_posix() for page in ROOT.glob("docs/**/*.md")}
    return {**{page: page.removeprefix("docs/") for page in sorted(guides)}, **_ELSEWHERE}


def page_of_the_site(text: str, source: str, places: dict[str, str]) -> str:
    """Return a page with its links as they are in the site; what is not in it is only named.

    Args:
        text: The page.
        source: Its path in the repository.
        places: Where each page of the repository stands in the site.
    """
    here = posixpath.dirname(places[source])

    def link(match: re.Match[str]) -> str:
        words, target = match.groups()
        path, sharp, anchor = target.partition("#")
        if "://" in target or not path:
            return match[0]
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if place.startswith(_IMAGES):
            place = place.removeprefix("docs/")
        else:
            place = places.get(place, _DECISIONS if place == "docs/adr" else "")
        if not place:
            return words
        return f"[{words}]({posixpath.relpath(place, here or '.')}{sharp}{anchor})"

    parts = _FENCE.split(text)
    # Text, then fence, code, fence, text and so on.
    return "".join(_LINK.sub(link, part) if at % 4 == 0 else part for at, part in enumerate(parts))


def decisions() -> str:
    """Return the page that lists all decisions."""
    lines = ["# Decisions", "", "Why things are so, one page each.", ""]
    for page in sorted((ROOT / "docs" / "adr").glob("*.md")):
        title = page.read_text().splitlines()[0].removeprefix("# ")
        lines.append(f"- [{title}]({page.name})")
    return "\n".join(lines) + "\n"


def configuration(pages: set[str]) -> dict[str, Any]:
    """Return the configuration of the site, with the pages that mkdocs.yml does not name under "More"."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    if missing := set(_named(found["nav"])) - pages:
        raise SystemExit(f"docs: mkdocs.yml names pages that are not there: {', '.join(sorted(missing))}")
    left = sorted(page for page in pages - set(_named(found["nav"])) if not page.startswith("adr/"))
    if left:
        found["nav"].append({"More": left})
    return {**found, "docs_dir": "pages", "site_dir": "site"}


def _named(nav: Any) -> Iterator[str]:
    match nav:
        case str():
            yield nav
        case list():
            for entry in nav:
                yield from _named(entry)
        case dict():
            for entry in nav.values():
                yield from _named(entry)


def write(made: Path) -> Path:
    """Write all pages and the configuration into a folder, and return the path of the configuration."""
    shutil.rmtree(made, ignore_errors=True)
    places = sources()
    pages = {place: page_of_the_site((ROOT / page).read_text(), page, places) for page, place in places.items()}
    pages |= {_DECISIONS: decisions(), **reference.pages()}
    shutil.copytree(ROOT / "docs" / "images", made / "pages" / "images")
    for place, text in pages.items():
        path = made / "pages" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    path = made / "mkdocs.yml"
    path.write_text(yaml.safe_dump(configuration(set(pages)), sort_keys=False))
    return path


def main() -> int:
    """Build the site and return the exit code."""
    parser = argparse.ArgumentParser(description="Build the documentation as a site.")
    parser.add_argument("--made", type=Path, default=MADE, help="folder for the pages that it is built from")
    parser.add_argument("--into", type=Path, default=SITE, help="folder for the site")
    chosen = parser.parse_args()
    path = write(chosen.made)
    program = Path(sys.executable).with_name("zensical")
    code = subprocess.run([program, "build", "--strict", "--clean", "--config-file", path], check=False).returncode
    if code == 0:
        shutil.rmtree(chosen.into, ignore_errors=True)
        shutil.copytree(chosen.made / "site", chosen.into)
        print(f"docs: {chosen.into}/index.html")
    return code


if __name__ == "__main__":
    sys.exit(main())
