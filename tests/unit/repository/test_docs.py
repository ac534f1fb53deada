"""What the documentation points at is there."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
CODE = re.compile(r"```.*?```", re.DOTALL)
# A path in backticks that starts with one of our folders.
FILE = re.compile(
    r"`((?:protos|sdk|services|gateway|migrations|tests|docs|examples|tools|requirements)/[\w./<>*-]*)(?:::\w+)?`"
)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """Return the anchors that a forge makes of a page's headings."""
    titles = HEADING.findall(CODE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(CODE.sub("", page.read_text())):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = [path for path in FILE.findall(CODE.sub("", page.read_text())) if not set(path) & set("<>*")]
    assert [path for path in named if not (ROOT / path).exists()] == []


@functools.cache
def make_targets() -> frozenset[str]:
    answer = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return frozenset(line.split()[0] for line in answer.splitlines() if line.strip())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE)
    assert set(named) <= make_targets()


def test_the_tour_lists_every_decision() -> None:
    tour = (ROOT / "docs" / "architecture.md").read_text()
    decisions = [page.name for page in PAGES if page.parent.name == "adr"]
    assert decisions
    assert [name for name in decisions if f"(adr/{name})" not in tour] == []


def test_each_number_is_one_decision() -> None:
    numbers = sorted(page.name[:4] for page in PAGES if page.parent.name == "adr")
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
