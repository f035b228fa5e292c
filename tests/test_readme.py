import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_file_tree_names_every_module_as_it_describes_itself():
    check = subprocess.run([sys.executable, str(ROOT / "scripts" / "file_tree.py"), "--check"], check=False)
    assert check.returncode == 0, "README's file tree is out of date: run python scripts/file_tree.py"
