"""The farm examples call our command line in a way that it understands."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from understudy_server.cli.app import app

FARM = Path(__file__).resolve().parents[2] / "docs" / "farm"


def command(name: str) -> Any:
    group: Any = typer.main.get_command(app)
    return group.commands[name]


def flamenco() -> list[str]:
    text = (FARM / "flamenco_job_type.js").read_text("utf-8")
    [arguments] = re.findall(r"args: \[(.*?)\]", text, re.DOTALL)
    settings = {"String(settings.seed)": "7"}
    parts = [part.strip() for part in arguments.split(",") if part.strip()]
    return [settings.get(part, part.removeprefix("settings.").strip('"')) for part in parts]


def opencue() -> list[str]:
    tree = ast.parse((FARM / "opencue_submit.py").read_text("utf-8"))
    lists = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    return lists["COMMAND"][1:] + lists["OPTIONS"]


def deadline() -> list[str]:
    text = (FARM / "deadline_job.sh").read_text("utf-8")
    [arguments] = re.findall(r'-arguments "(.*?)" \\', text)
    return shlex.split(arguments.replace("<QUOTE>", "'"))


@pytest.mark.parametrize("example", [flamenco, opencue, deadline])
def test_a_farms_command_line_is_understood(example) -> None:
    name, *arguments = example()
    parsed = command(name).make_context(name, list(arguments)).params
    assert parsed["output"] is not None
    assert parsed["passes"] is not None
    assert parsed["overwrite"]
    assert parsed["stop_server"]


def test_what_a_command_line_does_not_know_would_be_found() -> None:
    with pytest.raises(Exception, match="--frobnicate"):
        command("replace").make_context("replace", ["clip", "character", "-o", "x.mov", "--frobnicate"])


@pytest.mark.parametrize("file", sorted(FARM.iterdir()), ids=lambda file: file.name)
def test_each_says_that_no_live_farm_has_run_it(file: Path) -> None:
    assert re.search(
        "not yet run on a live farm|been run on a live farm", file.read_text("utf-8"), re.IGNORECASE
    )
