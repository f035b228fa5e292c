"""Lists what DaVinci Resolve's scripting API documents, in which version, for the stand-in that tests the plugin.

Facts alone (names, arguments, arity): from the wheels of `fusionscript-stubs` (MIT), one a version of Resolve, and
from the table below of what came after the last of them. Give the folder that holds the wheels, as made by
`pip download --no-deps fusionscript-stubs==VERSION` for each of VERSIONS.
"""

from __future__ import annotations

import argparse
import ast
import json
import zipfile
from pathlib import Path
from typing import NamedTuple

OUT = Path("tests/plugins/davinci/resolve_standin/resolve_api.json")
VERSIONS = {
    "19.0": "19.0",
    "19.1": "19.1",
    "20.0": "20.0",
    "20.1": "20.1",
    "20.2": "20.2",
    "20.2.2": "20.3",
    "21.0.0": "21.0",
}
"""The stubs' version: the version of Resolve that it describes."""

# What no stub knows yet: class, method with its arguments (`?` may be left out), what comes back.
# Sources: the README of 24 Jul 2026 (21.0.4) and the changelog of 1 Sep 2026 (21.1), read in public copies.
LATER = {
    "21.0.3": """
        Resolve GetLayoutPresetList() list
        Resolve GetBurnInPresetList() list
        Resolve DeleteBurnInPreset(presetName) bool
        Resolve GetUserPreferencesPresetList() list
        Resolve LoadUserPreferencesPreset(presetName) bool
        Resolve SaveUserPreferencesPreset(presetName) bool
        Resolve DeleteUserPreferencesPreset(presetName) bool
        Resolve ImportUserPreferencesPreset(presetFilePath,presetName?) bool
        Resolve ExportUserPreferencesPreset(presetName,exportPath) bool
        ProjectManager GetProjectAttributesInCurrentFolder() dict
    """,
    "21.0.4": """
        MediaPoolItem GetTimeline() Timeline
        Timeline GetSelectedClips() list
    """,
    "21.1": """
        Resolve GetCurrentProject() Project
        Resolve GetCurrentTimeline() Timeline
        Resolve GetMediaPool() MediaPool
        Resolve GetGallery() Gallery
        Resolve GetKeyboardPresetList() list
        Resolve GetCurrentKeyboardPreset() str
        Resolve LoadKeyboardPreset(presetName) bool
        Resolve DeleteKeyboardPreset(presetName) bool
        Resolve ImportKeyboardPreset(filePath,presetName?) bool
        Resolve ExportKeyboardPreset(presetName,exportPath) bool
        Resolve ValidateDCTL(dctlSource) str
        Resolve EncryptDCTL(inputPath,encryptDCTLOptions?) bool
        Resolve IsStudio() bool
        Resolve SetHighPriority(highPriority) bool
        ProjectManager GetProjectLastModifiedTime(projectName) int
        Project GetSettings() dict
        Project SetSettings(settings) bool
        Project GetProjectSettingsPresetList() list
        Project SetProjectSettingsPreset(presetName) bool
        Project UpdateProjectSettingsPreset(presetName) bool
        Project DeleteProjectSettingsPreset(presetName) bool
        Project ImportProjectSettingsPreset(presetFilePath,presetName?) bool
        Project ExportProjectSettingsPreset(presetName,exportPath) bool
        Project SaveCurrentProjectSettingsAsNewPreset(presetName) bool
        Project UpdateRenderPreset(presetName) bool
        Project SetQuickExportEnabledForRenderPreset(presetName,isEnabled) bool
        Project GetAudioRenderFormats() dict
        Project GetAudioRenderCodecs(audioRenderFormatFileExtension) dict
        MediaPool CreateMulticamClip(clips,multicamOptions) list
        MediaPoolItem GetTranscription(useNestedClipTranscription?) dict
        MediaPoolItem SetAudioMapping(audioMapping) bool
        Timeline GetSettings() dict
        Timeline SetSettings(settings) bool
        Timeline GetOutputBlanking() dict
        Timeline SetOutputBlanking(outputBlanking) bool
        Timeline GetNormalizeAudioModes() list
        Timeline NormalizeAudioLevel(timelineItems,normalizeAudioOptions?) bool
        Timeline AutoAlignClips(timelineItems,autoAlignOptions?) bool
        TimelineItem GetType() str
        TimelineItem GetProperties() dict
        TimelineItem SetProperties(properties) bool
        TimelineItem GetFades() dict
        TimelineItem SetFades(fades) bool
        TimelineItem GetSpeed() dict
        TimelineItem SetSpeed(speedOptions) bool
        TimelineItem GetOutputBlanking() dict
        TimelineItem SetOutputBlanking(outputBlanking) bool
        TimelineItem GetUseTimelineForOutputBlanking() bool
        TimelineItem SetUseTimelineForOutputBlanking(useTimelineOutputBlanking) bool
        TimelineItem AddTransition(transitionOptions) TimelineItem
        TimelineItem FlattenMulticam(gradeOption) bool
        TimelineItem PerformMulticamSmartSwitch(smartSwitchSettings) bool
        TimelineItem SetSourceAudioChannelMapping(audioMapping) bool
        MediaStorage StartCloneMedia(sourceDir,targetDirs) bool
        MediaStorage StopCloneMedia() bool
        MediaStorage GetCloneStatus() dict
        MediaStorage SetCloneToolSettings(cloneToolSettings?) bool
    """,
}
DEPRECATED_LATER = {("Project", "GetPresetList"): "21.1", ("Project", "SetPreset"): "21.1"}
# Arguments that the README calls optional and the stubs demand.
OPTIONAL = {
    ("Timeline", "AddTrack"): "trackType,subTrackType?",
    ("Timeline", "DeleteClips"): "timelineItems,ripple?",
    ("Timeline", "DuplicateTimeline"): "timelineName?",
    ("TimelineItem", "AddTake"): "mediaPoolItem,startFrame?,endFrame?",
    ("TimelineItem", "GetNodeGraph"): "layerIdx?",
    ("Project", "GetRenderResolutions"): "format?,codec?",
    ("Project", "GetSetting"): "settingName?",
    ("Timeline", "GetSetting"): "settingName?",
    ("TimelineItem", "GetProperty"): "propertyKey?",
    ("Project", "SetSetting"): "settingName,settingValue,sharpness?,noiseReduction?",
    **{("TimelineItem", f"Get{edge}"): "subframe_precision?" for edge in ("Start", "End", "Duration")},
    **{("TimelineItem", f"Get{side}Offset"): "subframe_precision?" for side in ("Left", "Right")},
}


class Entry(NamedTuple):
    """One row of the list: `arguments` carry `?` where they may be left out and `*` where any number may follow."""

    arguments: str
    returns: str
    since: str = ""
    deprecated: str = ""
    until: str = ""


Api = dict[tuple[str, str], Entry]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheels", type=Path, help="folder of the fusionscript-stubs wheels")
    wheels: Path = parser.parse_args().wheels
    OUT.write_text(as_json(with_later(with_versions(wheels))), encoding="utf-8")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


def with_versions(wheels: Path) -> Api:
    """Every method of every version, with the first in which it stands (none for 19.0, where the list begins)."""
    api: Api = {}
    for stub, resolve in VERSIONS.items():
        found = documented(stub_text(wheels / f"fusionscript_stubs-{stub}-py3-none-any.whl"))
        for key, entry in found.items():
            since = api[key].since if key in api else resolve if api and stub != "19.0" else ""
            api[key] = entry._replace(since=since)
        for key in api.keys() - found.keys():
            api[key] = api[key]._replace(until=api[key].until or resolve)
    return api


def with_later(api: Api) -> Api:
    for version, rows in LATER.items():
        for row in filter(None, map(str.strip, rows.splitlines())):
            class_name, _, rest = row.partition(" ")
            name, _, rest = rest.partition("(")
            arguments, _, returns = rest.partition(") ")
            api[class_name, name] = Entry(arguments, returns, version)
    for key, version in DEPRECATED_LATER.items():
        api[key] = api[key]._replace(deprecated=version)
    for key, arguments in OPTIONAL.items():
        api[key] = api[key]._replace(arguments=arguments)
    return api


def stub_text(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("fusionscript-stubs/fusionscript.pyi").decode()


def documented(text: str) -> Api:
    """The methods of one stub. Where a method has several forms, the arguments that all of them fit."""
    forms: dict[tuple[str, str], list[ast.FunctionDef]] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    forms.setdefault((node.name, method.name), []).append(method)
    return {key: merged(methods) for key, methods in forms.items()}


def merged(methods: list[ast.FunctionDef]) -> Entry:
    current = [method for method in methods if not is_deprecated(method)]
    shown = current or methods
    widest = max(shown, key=lambda method: (method.args.vararg is not None, len(method.args.args)))
    fewest = min(required(method) for method in shown)
    names = [a.arg + ("?" if place >= fewest else "") for place, a in enumerate(widest.args.args[1:])]
    if widest.args.vararg:
        names.append("*" + widest.args.vararg.arg)
    return Entry(",".join(names), returned(shown[0]), deprecated="" if current else "19.0")


def required(method: ast.FunctionDef) -> int:
    arguments = method.args.args[1:]
    optional = [a for a in arguments if a.annotation and "Optional" in ast.unparse(a.annotation)]
    return len(arguments) - max(len(method.args.defaults), len(optional))


def is_deprecated(method: ast.FunctionDef) -> bool:
    return any("deprecated" in ast.unparse(decorator) for decorator in method.decorator_list)


def returned(method: ast.FunctionDef) -> str:
    name = ast.unparse(method.returns).split("[")[0].split(" |")[0] if method.returns else "None"
    return {"List": "list", "MarkInOutSet": "dict", "Marker": "dict"}.get(name, name)


def as_json(api: Api) -> str:
    """A line a class, each method a row without its empty tail: readable in a diff, and small."""
    classes: dict[str, dict[str, list[str]]] = {}
    for (class_name, name), entry in sorted(api.items()):
        row = list(entry)
        while len(row) > 2 and not row[-1]:
            row.pop()
        classes.setdefault(class_name, {})[name] = row
    lines = [f"{json.dumps(name)}: {{\n{_rows(rows)}\n}}" for name, rows in classes.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rows(rows: dict[str, list[str]]) -> str:
    return ",\n".join(
        f"{json.dumps(name)}: {json.dumps(row, separators=(',', ':'))}" for name, row in rows.items()
    )


if __name__ == "__main__":
    main()
