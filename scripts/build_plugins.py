"""Builds the Blender extension into dist/: one zip for each system, with the wheels it needs.

    python scripts/build_plugins.py                    # linux-x64, windows-x64, macos-arm64
    python scripts/build_plugins.py --platform host    # only this machine's

The extension carries a copy of proto/understudy_api as ``_api`` and wheels of grpcio, protobuf and
typing_extensions for every Python that Blender 4.2 to 5.2 runs on, unmodified. Wheels are downloaded once, into
build/wheels. Blender's own builder checks and packs where a Blender is found (an environment with bpy, or blender
on PATH); otherwise the same rules are applied here: the manifest at the top of the zip, nothing hidden, no
bytecode.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = ROOT / "plugins" / "blender" / "understudy"
API = ROOT / "proto" / "understudy_api"
WHEELS = ROOT / "build" / "wheels"
STAGE = ROOT / "build" / "blender"
DIST = ROOT / "dist"
NO_PLATFORM = 3  # exit code
LEFT_OUT = ("__pycache__", "*.pyc", "*.pyi", "*.proto", "py.typed")

GRPCIO = "grpcio==1.85.1"  # tested in Blender 4.2 to 5.2
PROTOBUF = "protobuf==7.36.2"
TYPING_EXTENSIONS = "typing_extensions==4.16.0"  # grpcio imports it


@dataclass(frozen=True, slots=True)
class Platform:
    """A system as Blender and as pip name it."""

    name: str
    tags: tuple[str, ...]
    pythons: tuple[str, ...] = ("311", "313")  # Blender 4.2 to 5.0, and 5.1 on


PLATFORMS = (
    # Debian's own Blender runs on Python 3.14.
    Platform("linux-x64", ("manylinux2014_x86_64", "manylinux_2_17_x86_64"), ("311", "313", "314")),
    Platform("windows-x64", ("win_amd64",)),
    Platform("macos-arm64", ("macosx_11_0_arm64", "macosx_11_0_universal2", "macosx_10_9_universal2")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the Blender extension into dist/.")
    parser.add_argument(
        "--platform", choices=["all", "host", *(each.name for each in PLATFORMS)], default="all"
    )
    wanted = parser.parse_args().platform
    name = host_platform() if wanted == "host" else wanted
    for each in PLATFORMS if name == "all" else [platform_named(name)]:
        print(build(each).relative_to(ROOT))


def build(target: Platform) -> Path:
    """The zip for *target*, built and checked."""
    folder = stage(target.name, download_wheels(target))
    DIST.mkdir(exist_ok=True)
    result = DIST / f"understudy-{manifest()['version']}-{target.name}.zip"
    result.unlink(missing_ok=True)
    builder = blender_builder()
    if builder:
        subprocess.run([*builder, "validate", str(folder)], check=True, stdout=subprocess.DEVNULL)
        arguments = ["build", "--source-dir", str(folder), "--output-filepath", str(result)]
        subprocess.run([*builder, *arguments], check=True, stdout=subprocess.DEVNULL)
    else:
        print("No Blender was found, so the zip is packed without Blender's own check.")
        pack(folder, result)
    return result


def manifest() -> dict[str, object]:
    return tomllib.loads((EXTENSION / "blender_manifest.toml").read_text("utf-8"))


def platform_named(name: str) -> Platform:
    return next(each for each in PLATFORMS if each.name == name)


def host_platform() -> str:
    """The name of the system this runs on. Ends the program where there is none."""
    found = {
        ("linux", "x86_64"): "linux-x64",
        ("win32", "AMD64"): "windows-x64",
        ("darwin", "arm64"): "macos-arm64",
    }.get((sys.platform, platform.machine()))
    if found is None:
        sys.exit(
            f"No extension is built for {sys.platform} on {platform.machine()}; Blender itself may run there."
        )
    return found


# ---- What goes in ----------------------------------------------------------------------------------------


def vendor_api(into: Path = EXTENSION / "_api") -> Path:
    """Copies proto/understudy_api to *into*. Its imports are relative, so it works under any name."""
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(API, into, ignore=shutil.ignore_patterns(*LEFT_OUT))
    shutil.copy2(ROOT / "LICENSE", into / "LICENSE")
    return into


def stage(name: str, wheels: Iterable[Path]) -> Path:
    """A folder with all that the zip for the platform *name* holds."""
    folder = STAGE / name
    shutil.rmtree(folder, ignore_errors=True)
    vendor_api()
    shutil.copytree(EXTENSION, folder, ignore=shutil.ignore_patterns(*LEFT_OUT, "wheels"))
    shutil.copy2(EXTENSION.parent / "LICENSE", folder / "LICENSE")
    (folder / "wheels").mkdir()
    names = sorted(Path(shutil.copy2(wheel, folder / "wheels")).name for wheel in wheels)
    text = (EXTENSION / "blender_manifest.toml").read_text("utf-8")
    (folder / "blender_manifest.toml").write_text(filled(text, name, names), "utf-8")
    return folder


def filled(text: str, platform_name: str, wheels: Iterable[str]) -> str:
    """The manifest *text* with platforms and wheels, which stand before its first table."""
    lines = "".join(f'  "./wheels/{wheel}",\n' for wheel in wheels)
    head, table, rest = text.partition("\n[permissions]")
    return f'{head}\nplatforms = ["{platform_name}"]\nwheels = [\n{lines}]\n{table}{rest}'


def download_wheels(target: Platform) -> list[Path]:
    """The wheels for *target*, from build/wheels where they are there already."""
    folder = WHEELS / target.name
    wanted = [(GRPCIO, python) for python in target.pythons]
    wanted += [(PROTOBUF, target.pythons[0]), (TYPING_EXTENSIONS, target.pythons[0])]
    return [_downloaded(requirement, python, target.tags, folder) for requirement, python in wanted]


def _downloaded(requirement: str, python: str, tags: tuple[str, ...], folder: Path) -> Path:
    name, _, version = requirement.partition("==")
    pattern = f"{name}-{version}-*cp{python}-*.whl" if name == "grpcio" else f"{name}-{version}-*.whl"
    if not (found := list(folder.glob(pattern))):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--dest", str(folder), "--implementation", "cp", "--python-version", python]
        command += [f"--abi={abi}" for abi in (f"cp{python}", "abi3", "none")]
        command += [f"--platform={tag}" for tag in tags]
        subprocess.run([*command, requirement], check=True)
        found = list(folder.glob(pattern))
    [wheel] = found
    return wheel


# ---- How it is packed ------------------------------------------------------------------------------------


def blender_builder() -> list[str] | None:
    """The command before "validate" or "build": of a Blender, or the script inside a bpy; None without either."""
    if blender := shutil.which("blender"):
        return [blender, "--factory-startup", "--command", "extension"]
    for environment in sorted(ROOT.glob(".venv-bpy*"), reverse=True):
        scripts = environment.glob("[Ll]ib/**/bl_pkg/cli/blender_ext.py")
        for python in (environment / "bin" / "python", environment / "Scripts" / "python.exe"):
            if python.exists() and (script := next(scripts, None)):
                return [str(python), str(script)]
    return None


def pack(folder: Path, result: Path) -> None:
    """Zips *folder* as Blender's builder does. Times are fixed, so that the same files make the same zip."""
    with zipfile.ZipFile(result, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (2026, 1, 1, 0, 0, 0))
                info.external_attr = 0o644 << 16
                packed = zipfile.ZIP_STORED if path.suffix == ".whl" else zipfile.ZIP_DEFLATED
                archive.writestr(info, path.read_bytes(), packed)


if __name__ == "__main__":
    main()
