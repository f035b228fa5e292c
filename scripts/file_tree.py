"""Writes README's file tree: every module with the first sentence of its docstring.

python scripts/file_tree.py           rewrites the tree in README.md
python scripts/file_tree.py --check   exit status 1 if it would change
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
MARKER = re.compile(r"(?<=<!-- tree -->\n).*?(?=<!-- /tree -->)", re.DOTALL)
SOURCES = ("proto", "engine", "server", "plugins", "scripts")
GENERATED = ("_pb2.py", "_pb2_grpc.py")
NAME_WIDTH = 26


def main() -> int:
    before = README.read_text("utf-8")
    after = MARKER.sub(lambda _: f"```text\n{tree()}\n```\n", before)
    if "--check" in sys.argv:
        return int(before != after)
    README.write_text(after, "utf-8")
    return 0


def tree() -> str:
    lines: list[str] = []
    folder = Path()
    for path in modules():
        if path.parent != folder:
            folder = path.parent
            lines += ["", f"{folder.as_posix()}/  {phrase(folder / '__init__.py')}"]
        if path.name != "__init__.py":
            lines.append(f"    {path.name}".ljust(NAME_WIDTH) + phrase(path))
    return "\n".join(line.rstrip() for line in lines[1:])


def modules() -> list[Path]:
    """Tracked Python files of the product, folder by folder, each folder's own files before its subfolders."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py", *(f"{source}/**/*.proto" for source in SOURCES)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [Path(line) for line in listed.stdout.splitlines()]
    wanted = [p for p in paths if p.parts[0] in SOURCES and not p.name.endswith(GENERATED)]
    return sorted(wanted, key=lambda p: (SOURCES.index(p.parts[0]), p.parent.parts, p.name))


def phrase(path: Path) -> str:
    """The first sentence of a module's docstring, or of a .proto file's comments."""
    if not (ROOT / path).exists():
        return ""
    text = (ROOT / path).read_text("utf-8")
    if path.suffix == ".proto":
        comments = re.findall(r"^// (.+)$", text, re.MULTILINE)
        words = comments[0] if comments else ""
    else:
        words = ast.get_docstring(ast.parse(text)) or ""
    sentence = re.split(r"\.\s|\n\n", words, maxsplit=1)[0].replace("\n", " ").rstrip(".")
    return re.sub(r":\w+:`|`+", "", sentence)


if __name__ == "__main__":
    sys.exit(main())
