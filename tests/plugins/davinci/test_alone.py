"""One companion at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from understudy_davinci.alone import Alone

OTHER = """
import sys
from pathlib import Path
from understudy_davinci.alone import Alone

alone = Alone(Path(sys.argv[1]))
print(alone.begin(sys.argv[2]), flush=True)
sys.stdin.read()
"""


def other(folder: Path, verb: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OTHER, str(folder), verb]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_second_companion_leaves_its_verb_with_the_first(tmp_path: Path) -> None:
    alone = Alone(tmp_path / "davinci")
    assert alone.begin("replace")
    assert alone.knocked() == ""
    with other(tmp_path / "davinci", "animate") as second:
        assert second.communicate()[0] == "False\n"
    assert alone.knocked() == "animate"
    assert alone.knocked() == "", "once"
    alone.end()
    again = Alone(tmp_path / "davinci")
    assert again.begin("replace")
    again.end()


def test_one_that_was_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    with other(tmp_path, "replace") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "True\n"
        alone = Alone(tmp_path)
        assert not alone.begin("replace")
        first.kill()
        first.wait()
    assert alone.begin("replace")
    assert alone.knocked() == "", "what it was told is over"
    alone.end()
