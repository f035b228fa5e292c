"""Reads the plugin's source: is each call of Resolve documented, of the right form, and asked for where it is new?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.plugins.davinci.resolve_standin.calls import CLIP_INFO_KEYS
from tests.plugins.davinci.resolve_standin.facts import Method, every_method
from tests.plugins.davinci.resolve_standin.markers import CLIP_COLOURS, MARKER_COLOURS
from tests.plugins.davinci.resolve_standin.profiles import RENDER_KEYS, RENDER_KEYS_21_0_4, RENDER_KEYS_21_1
from tests.plugins.davinci.resolve_standin.render_formats import CODECS, FORMATS

VERBS = frozenset({"call", "must", "number", "text", "listed", "has"})
"""How the host's methods call Resolve: `self.call("Timeline.AddTrack", timeline, "video")`."""
SYMBOL = re.compile(r"[A-Z]\w+\.[A-Z]\w+")
OLDEST = (19, 0, 0)
EVERY_RENDER_KEY = RENDER_KEYS | RENDER_KEYS_21_0_4 | RENDER_KEYS_21_1
PAGES = frozenset({"media", "cut", "edit", "fusion", "color", "fairlight", "deliver"})
DESCRIPTIONS = {codec.description for codecs in CODECS.values() for codec in codecs.values()} | {"QuickTime"}
COLOURS = {"SetClipColor": (0, CLIP_COLOURS), "AddMarker": (1, MARKER_COLOURS)}
"""Method: which of its arguments is a colour, and which colours there are."""


@dataclass(frozen=True, slots=True)
class Use:
    """One documented symbol in the source, in its function."""

    symbol: str
    verb: str
    node: ast.Call
    function: ast.AST

    @property
    def arguments(self) -> list[ast.expr]:
        """Beyond the symbol and the object that it is called on."""
        return self.node.args[2:]


@cache
def methods() -> dict[str, Method]:
    return {f"{method.class_name}.{method.name}": method for method in every_method()}


def faults_in(source: str, *, calls_directly: bool = False) -> list[str]:
    """What of *source* the documents do not allow, a sentence each with its line.

    *calls_directly*: this file may call methods on objects of Resolve without the host's verbs.
    """
    tree = ast.parse(source)
    found = [fault for use in uses(tree) for fault in of_use(use)]
    found += [fault for node in ast.walk(tree) for fault in of_node(node)]
    if not calls_directly:
        found += direct_calls(tree)
    return found


def uses(tree: ast.AST) -> Iterator[Use]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in VERBS
                ):
                    symbol = constant(node.args[0]) if node.args else None
                    if symbol and SYMBOL.fullmatch(symbol):
                        yield Use(symbol, node.func.attr, node, function)


def of_use(use: Use) -> Iterator[str]:
    line = f"line {use.node.lineno}: {use.symbol}"
    method = methods().get(use.symbol)
    if method is None:
        yield f"{line} is not documented"
        return
    if method.deprecated and method.deprecated <= OLDEST:
        yield f"{line} is deprecated"
    if use.verb == "has":
        return
    starred = any(isinstance(argument, ast.Starred) for argument in use.arguments)
    if not starred and not method.takes(len(use.arguments)):
        yield f"{line} does not take {len(use.arguments)} arguments"
    if method.since > OLDEST and not any(since >= method.since for since in asked_for(use.function)):
        yield f"{line} came with {'.'.join(map(str, method.since))} and is not asked for by has()"
    yield from of_values(use, line)


def of_values(use: Use, line: str) -> Iterator[str]:
    """Colours and pages are literals out of the documented ones: others are a bare False at run time."""
    place, known = COLOURS.get(use.symbol.partition(".")[2], (0, None))
    if known is not None and (len(use.arguments) <= place or constant(use.arguments[place]) not in known):
        yield f"{line} needs one of the documented colours, in words"
    if use.symbol == "Resolve.OpenPage" and use.arguments:
        page = constant(use.arguments[0])
        if page is not None and page not in PAGES:
            yield f"{line} does not know the page {page}"


def asked_for(function: ast.AST) -> list[tuple[int, int, int]]:
    """The versions whose methods the function asks for before it calls them."""
    known = methods()
    return [known[use.symbol].since for use in uses(function) if use.verb == "has" and use.symbol in known]


def of_node(node: ast.AST) -> Iterator[str]:
    """Dicts that Resolve would read: it ignores each key that it does not know, without a word."""
    if isinstance(node, ast.Dict):
        keys = {constant(key) for key in node.keys if key is not None} - {None}
        if keys & {"TargetDir", "MarkIn", "CustomName"}:
            yield from (
                f"line {node.lineno}: SetRenderSettings ignores {key}" for key in keys - EVERY_RENDER_KEY
            )
        if "mediaPoolItem" in keys:
            yield from (
                f"line {node.lineno}: AppendToTimeline ignores {key}" for key in keys - CLIP_INFO_KEYS
            )
    if isinstance(node, ast.Tuple):
        pair = [constant(each) for each in node.elts]
        if len(pair) == 2 and pair[0] in FORMATS.values() and pair[1] not in CODECS[str(pair[0])]:
            yield f"line {node.lineno}: {pair[1]} is no codec of {pair[0]}"
    if isinstance(node, ast.Constant) and node.value in DESCRIPTIONS:
        yield f"line {node.lineno}: {node.value!r} is what the page shows, not an id"


def direct_calls(tree: ast.AST) -> Iterator[str]:
    """Methods of Resolve called past the host, whose answers nobody checks."""
    names = {method.name for method in every_method()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
            yield f"line {node.lineno}: {node.func.attr} is called past the host"


def constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))
