"""The window itself, on a screen: the one of this session, or a virtual one where Xvfb is installed."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import PATIENCE_S
from understudy_davinci import companion
from understudy_davinci.jobs.people import Person
from understudy_davinci.jobs.server import Served
from understudy_davinci.shot import Mode, Placed
from understudy_davinci.window.model import Model, Stage
from understudy_davinci.window.options import Options
from understudy_davinci.window.worker import Worker

from .desk import FakeDesk

tkinter = pytest.importorskip("tkinter")
view = pytest.importorskip("understudy_davinci.window.view")

HERO = Path(__file__).resolve().parents[4] / "docs" / "gallery" / "100.jpg"


@pytest.fixture(scope="module")
def screen() -> Iterator[None]:
    if os.environ.get("DISPLAY") or os.name == "nt":
        yield
        return
    if (program := shutil.which("Xvfb")) is None:
        pytest.skip("no screen, and no Xvfb to make one")
    read, write = os.pipe()
    command = [program, "-displayfd", str(write), "-screen", "0", "1024x768x24"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as told:
        os.environ["DISPLAY"] = f":{told.readline().strip()}"
    yield
    del os.environ["DISPLAY"]
    server.terminate()
    server.wait()


class Shown:
    """A window over a desk that is not there."""

    def __init__(self, desk: FakeDesk, options: Options) -> None:
        self.worker = Worker()
        self.model = Model(self.worker, lambda tell, wanted: desk, options)
        self.window = view.Window(self.model, self.worker)
        self.model.start()

    def until(self, condition: Callable[[], bool]) -> None:
        due = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < due, (self.model.stage, self.model.status)
            self.worker.drain()
            self.window.refresh()
            self.window.root.update()
            time.sleep(0.01)

    def texts(self) -> list[str]:
        """Of all labels and buttons that are shown."""
        found, parts = [], [self.window.root]
        while parts:
            part = parts.pop()
            parts += part.winfo_children()
            if "text" in part.keys():  # noqa: SIM118 - a widget is no dictionary
                found.append(str(part.cget("text")))
        return found


@pytest.fixture
def shown(screen: None) -> Iterator[Callable[..., Shown]]:
    opened: list[Shown] = []

    def show(desk: FakeDesk, **options: object) -> Shown:
        opened.append(Shown(desk, Options(**options)))  # type: ignore[arg-type]
        return opened[-1]

    yield show
    while opened:
        opened.pop().window.root.destroy()
    gc.collect()  # here: Tk's variables may not be let go on another thread


def test_a_swap_is_made_with_the_mouse(shown: Callable[..., Shown]) -> None:
    desk = FakeDesk(cast=(Person("A", 96, HERO.read_bytes()),))
    window = shown(desk, character=HERO)
    window.until(lambda: window.model.stage is Stage.CHOOSING and window.model.estimate is not None)
    assert "100.jpg" in window.texts()
    assert "2 min · 3.1 GB of memory" in window.texts()
    window.model.find_people()
    window.until(lambda: "A · 96 fr." in window.texts())
    window.window._right.invoke()
    window.until(lambda: window.model.stage is Stage.DONE)
    assert "boxer_012.mov is on track 2." in window.texts()
    assert [choice.character for choice in desk.ran] == [HERO]


def test_pictures_are_shown_also_of_jpegs(shown: Callable[..., Shown]) -> None:
    window = shown(FakeDesk(), character=HERO)
    card = window.window._all[0]
    window.until(lambda: card._picture._data is not None)
    assert (card._picture._image.width(), card._picture._image.height()) == (200, 260)


def test_closing_while_something_is_made_hides_the_window_alone(shown: Callable[..., Shown]) -> None:
    window = shown(FakeDesk(), character=HERO)
    window.until(lambda: window.model.stage is Stage.CHOOSING)
    window.model._placed([Placed(text="", track=2, version=1)])
    window.model.stage = Stage.WORKING
    window.window.close()
    assert window.window.root.state() == "withdrawn"


def test_the_verb_is_switched_in_the_window(shown: Callable[..., Shown]) -> None:
    window = shown(FakeDesk(), character=HERO)
    window.until(lambda: window.model.stage is Stage.CHOOSING)
    window.window._verbs.set("animate")
    window.window._set_mode()
    assert window.model.options.mode is Mode.ANIMATE
    assert "WHOSE MOTION" in window.texts()
    assert window.window._right.cget("text") == "Animate"


def test_a_prompt_is_typed_under_advanced(shown: Callable[..., Shown]) -> None:
    window = shown(FakeDesk(), character=HERO)
    window.until(lambda: window.model.served is not None and not window.model.busy)
    card = window.window._all[4]
    assert not card._body.winfo_ismapped()
    card.toggle()
    window.until(lambda: bool(card._body.winfo_ismapped()))
    card._prompt.insert("1.0", "a red coat")
    window.until(lambda: window.model.options.prompt == "a red coat")
    card.toggle()
    assert "▸  ADVANCED  ·  a red coat" in window.texts()


def test_a_prompt_that_no_model_reads_is_grey_and_says_so(shown: Callable[..., Shown]) -> None:
    window = shown(FakeDesk(model=Served(model="nano", notice="Drawn figures alone.")), character=HERO)
    window.until(lambda: "nano reads no prompt." in window.texts())
    assert window.window._notice.winfo_manager(), "what the model is for is said"
    assert window.window._all[4]._prompt["state"] == "disabled"


def test_a_lora_is_added_weakened_and_taken_out_with_the_mouse(shown: Callable[..., Shown]) -> None:
    window = shown(FakeDesk(model=Served(model="14B", four_step=True, loras=("anna", "film"))))
    window.until(lambda: window.model.served is not None and not window.model.busy)
    window.window._all[4].toggle()
    strengths = window.window._all[4]._strengths
    window.until(lambda: strengths.add["values"] == ("anna", "film"))
    assert strengths._four_step.scale.instate(["disabled"]), "Standard makes no four steps"
    strengths.add.set("film")
    strengths._add()
    assert strengths.add["values"] == ("anna",)
    strengths.lines["film"].scale.set(0.62)
    assert window.model.options.loras == (("film", 0.6),)
    assert "0.60" in window.texts()
    strengths.lines["film"]._remove.invoke()
    assert not window.model.options.loras
    assert not strengths.lines
    window.model.set(quality="preview")
    window.window.refresh()
    strengths._four_step.scale.set(0.8)
    assert window.model.options.four_step_strength == 0.8


def test_a_model_without_loras_shows_nothing_of_them(shown: Callable[..., Shown]) -> None:
    window = shown(FakeDesk())
    window.until(lambda: window.model.served is not None and not window.model.busy)
    window.window._all[4].toggle()
    window.window.root.update()
    assert not window.window._all[4]._strengths.frame.winfo_ismapped()


def test_a_matte_is_a_clip_of_the_media_pool(shown: Callable[..., Shown]) -> None:
    window = shown(FakeDesk(clips=[("roto_012.mov", HERO)]), character=HERO)
    window.until(lambda: window.model.stage is Stage.CHOOSING)
    card = window.window._all[3]
    window.until(lambda: card._matte["values"] == ("Found by the server", "roto_012.mov", "From a file …"))
    card._matte.set("roto_012.mov")
    card._set_matte()
    assert window.model.options.matte == HERO
    card._matte.set("Found by the server")
    card._set_matte()
    assert window.model.options.matte is None


def test_the_program_says_in_its_window_that_no_resolve_answers(
    screen: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started by hand, on a machine whose Resolve has no scripting library."""
    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path))
    monkeypatch.setenv("RESOLVE_SCRIPT_API", str(tmp_path))
    seen: list[tuple[Stage, str]] = []

    def run(window: Any) -> None:
        window.model.start()
        due = time.monotonic() + PATIENCE_S
        while window.model.busy and time.monotonic() < due:
            window._worker.drain()
        window.refresh()
        seen.append((window.model.stage, window._status.cget("text")))
        window.root.destroy()

    monkeypatch.setattr(view.Window, "run", run)
    assert companion.main(["animate"]) == 0
    [(stage, said)] = seen
    assert stage is Stage.REFUSED
    assert "DaVinciResolveScript.py. Install Resolve again." in said
    assert (tmp_path / "davinci" / "options.json").is_file()
    gc.collect()
