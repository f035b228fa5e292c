"""Generates the API's Python code from proto/understudy_api/v1/*.proto, beside the .proto files.

    python scripts/generate_proto.py [--out FOLDER]

The generator is deliberately old. Code made by grpcio-tools 1.62.3 (protobuf 4.25) carries no check of the
runtime's version and loads beside every protobuf from 4.25 on. That matters inside Blender, where another
add-on may have loaded its own protobuf first. Newer generators refuse older runtimes. The old one has wheels
for Python 3.11 and 3.12 only, so it lives in an environment of its own, .venv-proto, and needs one of them.

protoc writes imports from the package's full name. They are made relative, because the Blender extension
carries understudy_api inside itself under another name. The output depends on the .proto files alone.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
PACKAGE = Path("understudy_api") / "v1"
ENVIRONMENT = ROOT / ".venv-proto"
PYTHONS = ("3.11", "3.12")
PACKAGES = (
    "grpcio-tools==1.62.3",
    "protobuf==4.25.8",
    "mypy-protobuf==3.6.0",
    "types-protobuf==4.25.0.20240417",
    "setuptools<81",  # grpc_tools 1.62 imports pkg_resources, which setuptools 81 dropped
)


class NoGenerator(Exception):
    """The generator cannot be had on this machine. The message says what is missing."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Generate the API's Python code from the .proto files.")
    parser.add_argument("--out", type=Path, default=PROTO, help="source root to write to (default: proto)")
    out = parser.parse_args().out
    try:
        python = generator_environment()
    except NoGenerator as error:
        raise SystemExit(f"generate_proto: {error}") from None
    for path in generate(python, out):
        print(path)


def generate(python: Path, out: Path) -> list[Path]:
    """Writes the generated files below *out*/understudy_api/v1 and returns them."""
    with tempfile.TemporaryDirectory() as folder:
        command = protoc(python, Path(folder))
        subprocess.run(command, check=True, env=_path_with(python), stdout=subprocess.DEVNULL)
        # types.proto has no service, so its files of services are empty.
        made = sorted(
            p for p in (Path(folder) / PACKAGE).iterdir() if not p.name.startswith("types_pb2_grpc")
        )
        target = out / PACKAGE
        target.mkdir(parents=True, exist_ok=True)
        for path in made:
            text = path.read_text("utf-8")
            text = relative_stub(text) if path.suffix == ".pyi" else relative_module(text)
            (target / path.name).write_text(text, "utf-8", newline="\n")
    return [target / path.name for path in made]


def protoc(python: Path, out: Path) -> list[str]:
    sources = sorted(path.relative_to(PROTO).as_posix() for path in (PROTO / PACKAGE).glob("*.proto"))
    kinds = ("python", "grpc_python", "mypy", "mypy_grpc")
    outputs = [f"--{kind}_out={out}" for kind in kinds]
    return [str(python), "-m", "grpc_tools.protoc", f"-I{PROTO}", *outputs, *sources]


def relative_module(text: str) -> str:
    """*text* of a generated module with imports that hold under any package name."""
    return re.sub(r"^from understudy_api\.v1 import", "from . import", text, flags=re.MULTILINE)


def relative_stub(text: str) -> str:
    """The same for a .pyi, which names the modules in full at every use."""
    text = re.sub(r"^import understudy_api\.v1\.(\w+)$", r"from . import \1", text, flags=re.MULTILINE)
    return re.sub(r"\bunderstudy_api\.v1\.(?=\w+_pb2\b)", "", text)


def generator_environment() -> Path:
    """The Python of .venv-proto, made first if need be.

    Raises:
        NoGenerator: no Python 3.11 or 3.12, or the packages cannot be fetched.
    """
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = ENVIRONMENT / "packages.txt"
    wanted = "\n".join(PACKAGES)
    if python.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted:
        return python
    base = find_python()
    print(f"generate_proto: making {ENVIRONMENT.name} with {base}", file=sys.stderr)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    try:
        subprocess.run([base, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
        subprocess.run(install, check=True)
    except subprocess.CalledProcessError as error:
        raise NoGenerator(f"{ENVIRONMENT.name} cannot be made: {error}. Is there a network?") from None
    stamp.write_text(wanted, "utf-8")
    return python


def find_python() -> str:
    """The path of a Python 3.11 or 3.12. Raises NoGenerator if there is none."""
    candidates = [[sys.executable], *([f"python{version}"] for version in PYTHONS)]
    if os.name == "nt":
        candidates += [["py", f"-{version}"] for version in PYTHONS]
    for command in candidates:
        found = _version(command)
        if found and found[0] in PYTHONS:
            return found[1]
    wanted = " or ".join(PYTHONS)
    raise NoGenerator(f"needs Python {wanted}, and neither is on the path. Install one and call it again.")


def _version(command: list[str]) -> tuple[str, str] | None:
    """("3.11", path of the interpreter outside any environment), or None if *command* is no Python."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys._base_executable)"
    if shutil.which(command[0]) is None:
        return None
    answer = subprocess.run([*command, "-c", ask], capture_output=True, text=True, check=False)
    lines = answer.stdout.splitlines()
    return (lines[0], lines[1]) if answer.returncode == 0 and len(lines) == 2 else None


def _path_with(python: Path) -> dict[str, str]:
    """The environment in which protoc finds the plugins that lie beside *python*."""
    return {**os.environ, "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])}


if __name__ == "__main__":
    main()
