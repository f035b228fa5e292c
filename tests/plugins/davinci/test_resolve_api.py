"""The stand-in and the plugin against the documents: the generated list, and a second oracle (C2, C3, C7)."""

from __future__ import annotations

import inspect
import os
from importlib import metadata
from pathlib import Path

import pytest

from scripts.resolve_api import documented
from tests.plugins.davinci.resolve_standin import PROFILES, Handle, ResolveStandIn
from tests.plugins.davinci.resolve_standin.facts import LIST, Method, every_method, methods_of
from tests.plugins.davinci.resolve_standin.markers import Coloured, InOutMarked, Marked

SHARED = (Marked, Coloured, InOutMarked)
AFTER_THE_STUBS = {
    "MediaPoolItem.GetTimeline",
    "ProjectManager.GetProjectAttributesInCurrentFolder",
    "Resolve.DeleteBurnInPreset",
    "Resolve.DeleteUserPreferencesPreset",
    "Resolve.ExportUserPreferencesPreset",
    "Resolve.GetBurnInPresetList",
    "Resolve.GetLayoutPresetList",
    "Resolve.GetUserPreferencesPresetList",
    "Resolve.ImportUserPreferencesPreset",
    "Resolve.LoadUserPreferencesPreset",
    "Resolve.SaveUserPreferencesPreset",
    "Timeline.GetSelectedClips",
}
"""The twelve that 21.0.4 has and fusionscript-stubs 21.0.0 lacks (research, section 2)."""


def modelled() -> dict[str, type[Handle]]:
    found = {cls for base in (Handle, *SHARED) for cls in base.__subclasses__() if cls not in SHARED}
    return {cls._class_name: cls for cls in found}


def standing(version: tuple[int, int, int]) -> list[Method]:
    return [method for methods in methods_of(version).values() for method in methods.values()]


def symbol(method: Method) -> str:
    return f"{method.class_name}.{method.name}"


@pytest.mark.parametrize("profile", PROFILES)
def test_c2_dir_of_each_object_is_the_list_of_its_version(profile: str) -> None:
    standin = ResolveStandIn(profile)
    for name, cls in modelled().items():
        assert dir(cls(standin, None)) == sorted(methods_of(PROFILES[profile].version)[name])


@pytest.mark.parametrize("name", sorted(modelled()))
def test_c2_what_the_stand_in_models_is_documented(name: str) -> None:
    documented = {method.name for method in every_method() if method.class_name == name}
    written = {each for each in dir_of(modelled()[name]) if not each.startswith("_")}
    assert written <= documented


def dir_of(cls: type) -> set[str]:
    return {name for base in cls.__mro__ for name in vars(base) if base is not object}


@pytest.mark.parametrize("name", sorted(modelled()))
def test_c3_methods_take_as_many_arguments_as_documented(name: str) -> None:
    for method in every_method():
        function = getattr(modelled()[name], method.name, None)
        if method.class_name == name and function:
            assert arity(function) == (method.arity_min, method.arity_max), symbol(method)


def arity(function: object) -> tuple[int, int | None]:
    parameters = list(inspect.signature(function).parameters.values())[1:]  # type: ignore[arg-type]
    required = sum(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in parameters)
    anything = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return required, None if anything else len(parameters)


def test_the_list_has_as_many_methods_as_the_readme_of_21_0_4() -> None:
    versions = [method.deprecated for method in standing((21, 0, 4))]
    current = [deprecated for deprecated in versions if deprecated is None or deprecated > (21, 0, 4)]
    assert len(current) == 361  # counted twice in the README of 24 Jul 2026 (research, 1.4)


def test_c7_the_list_differs_from_the_stubs_by_the_known_twelve() -> None:
    stub = metadata.distribution("fusionscript-stubs")
    text = Path(str(stub.locate_file("fusionscript-stubs/fusionscript.pyi"))).read_text(encoding="utf-8")
    ours = {(method.class_name, method.name) for method in standing((21, 0, 4))}
    theirs = documented(text).keys()
    assert {".".join(key) for key in ours - theirs} == AFTER_THE_STUBS
    assert theirs - ours == set()


@pytest.mark.skipif("RESOLVE_SCRIPT_API" not in os.environ, reason="no DaVinci Resolve on this machine")
def test_c8_the_list_has_what_the_resolve_of_this_machine_documents() -> None:
    (vendors,) = Path(os.environ["RESOLVE_SCRIPT_API"]).rglob("DaVinciResolveScript.pyi")
    theirs = documented(vendors.read_text(encoding="utf-8"))
    newest = {(m.class_name, m.name): m for m in standing((99, 0, 0)) if not m.deprecated}
    assert theirs.keys() - newest.keys() == set(), (
        "a newer Resolve than the list: extend LATER in scripts/resolve_api.py"
    )
    assert newest.keys() - theirs.keys() == set()


def test_the_list_is_small() -> None:
    assert LIST.stat().st_size < 60_000
