"""What the pages point at is there: files, pictures, headings of other pages, modules and tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of *page*."""
    headings = HEADING.findall(page.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> Iterator[str]:
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


@pytest.mark.parametrize(
    ("page", "least"), [("docs/architecture.md", 30), ("docs/reliability.md", 15)], ids=["modules", "tests"]
)
def test_every_file_that_a_page_names_is_there(page: str, least: int) -> None:
    named = re.findall(r"[\w/]+\.py", (ROOT / page).read_text("utf-8"))
    there = [path.as_posix() for path in ROOT.glob("[epst]*/**/*.py")]
    assert len(named) > least
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in there)] == []


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](gone.md) [b](#here) [c](#gone) [d](page.md#gone)", "utf-8")
    assert list(broken(page)) == ["gone.md", "#gone", "page.md#gone"]
