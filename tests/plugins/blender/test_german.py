"""Every tooltip has German words, and no German words are left of a sentence that changed."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from tests.plugins.blender.support.extension import load

EXTENSION = Path(__file__).resolve().parents[3] / "plugins" / "blender" / "understudy"
SENTENCES = load("german").SENTENCES
ONLY_SCRIPTS_SEE = {"batch.py"}  # operators without a button


@functools.cache
def sources() -> list[tuple[str, ast.Module]]:
    paths = (
        path for path in EXTENSION.rglob("*.py") if "_api" not in path.parts and path.name != "german.py"
    )
    return [(path.name, ast.parse(path.read_text("utf-8"))) for path in paths]


def constants(tree: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def tooltips(tree: ast.Module) -> Iterator[ast.expr]:
    """What stands in ``bl_description = …`` and ``description=…``."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name("bl_description")], value=value):
                yield value
            case ast.keyword(arg="description", value=value):
                yield value


def test_every_tooltip_has_german_words() -> None:
    known = SENTENCES.keys() | constants(dict(sources())["translations.py"])
    told = {
        tip.value
        for name, tree in sources()
        if name not in ONLY_SCRIPTS_SEE
        for tip in tooltips(tree)
        if isinstance(tip, ast.Constant)
    }
    assert len(told) > 50
    assert told - known == set()


def test_no_german_words_are_of_a_sentence_that_is_no_more() -> None:
    said = set().union(*(constants(tree) for _, tree in sources()))
    assert SENTENCES.keys() - said == set()


def test_german_keeps_what_stands_for_values() -> None:
    for english, german in SENTENCES.items():
        assert german, english
        assert english.count("{") == german.count("{"), english
