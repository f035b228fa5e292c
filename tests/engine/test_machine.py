from __future__ import annotations

import sys
from pathlib import Path

import pytest

from understudy_engine import machine
from understudy_engine.machine import available_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="others tell elsewhere")
@pytest.mark.parametrize(
    ("told", "found"),
    [("MemTotal: 9 kB\nMemAvailable:    2048 kB\nBuffers: 1 kB\n", 2 << 20), ("MemTotal: 9 kB\n", None)],
)
def test_available_is_what_the_system_would_give_up(
    told: str, found: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "meminfo")
    assert available_bytes() is None
    (tmp_path / "meminfo").write_text(told)
    assert available_bytes() == found
