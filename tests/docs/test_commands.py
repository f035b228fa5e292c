"""Every command line that README and docs/ show is one that the command line understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from understudy_server.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^ {4}(?:.venv\S+)?understudy (.+)$", re.MULTILINE)
INLINE = re.compile(r"`(?:.venv\S+)?understudy ([^`]+)`")


@cache
def understudy() -> Any:
    return typer.main.get_command(app)


def shown(page: Path) -> Iterator[str]:
    """The command lines of *page*; one that names several subcommands (`jobs list | show`) counts as so many."""
    text = page.read_text("utf-8")
    lines = [re.split(r"\s{2,}", line)[0] for line in BLOCK.findall(text)]
    for line in [*lines, *(" ".join(words.split()) for words in INLINE.findall(text))]:
        first, *others = line.split(" | ")
        group = first.rpartition(" ")[0]
        yield from (first, *(f"{group} {other}" for other in others))


def refused(line: str) -> str:
    """Why the command line does not take *line*; empty if it does. What is left out, as by "…", may be missing."""
    command = understudy()
    words = [word for word in shlex.split(line) if word not in ("…", "...")]
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in command.commands:
            return f"there is no command {name}"
        command = command.commands[name]
    try:
        command.make_context("understudy", words)
    except (
        Exception
    ) as error:  # typer brings click's errors along in some versions, and uses click's in others
        is_example = type(error).__name__ in ("MissingParameter", "NoArgsIsHelpError") or "not exist" in str(
            error
        )
        return "" if is_example else f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_line_of_a_page_is_understood(page: Path) -> None:
    assert {line: why for line in shown(page) if (why := refused(line))} == {}


def test_the_page_of_the_command_line_names_every_command() -> None:
    named = {line.split()[0] for line in shown(ROOT / "docs" / "command_line.md")}
    assert set(understudy().commands) <= named


@pytest.mark.parametrize(
    "line", ["replaced a b -o c", "export JOB -o out.mov", "replace a b -o c --frobnicate"]
)
def test_a_command_line_that_is_wrong_is_told(line: str) -> None:
    assert refused(line)
