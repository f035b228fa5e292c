# SPDX-License-Identifier: Apache-2.0
"""What the artist has set, and what of it is remembered for the next shot."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from understudy_api.sampling import FOUR_STEP_STRENGTH, LORA_STRENGTH, MOST_LORAS

from ..character import from_file
from ..errors import Refusal
from ..shot import Choice, Mode, Way

QUALITIES = ("preview", "standard", "best")
LAYERS = ("character", "matte")
MOST_HANDLES = 240
MOST_SEED = 2**31 - 1
MOST_PROMPT_LETTERS = 2000  # as the server has it
REMEMBERED = ("quality", "seed", "relight_strength", "handles", "layers", "four_step_strength", "loras")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    mode: Mode = Mode.REPLACE
    character: Path | None = None
    people: tuple[str, ...] = ()  # (): who takes up most of each shot
    quality: str = "standard"
    seed: int = 0
    relight_strength: float = 1.0  # 0 to 1
    prompt: str = ""  # as it was typed
    four_step_strength: float = 1.0
    loras: tuple[tuple[str, float], ...] = ()  # names and strengths, in the order they were chosen
    handles: int = 0  # frames beside the cut, on either side
    matte: Path | None = None  # of Replace; None: the server finds one
    layers: tuple[str, ...] = ()
    source: Way = Way.AUTO
    graded: bool = False
    sequence: bool = False

    def with_person(self, name: str) -> Options:
        """*name* chosen, or no longer."""
        left = tuple(each for each in self.people if each != name)
        return replace(self, people=left if name in self.people else tuple(sorted((*left, name))))

    def with_layer(self, name: str, wanted: bool) -> Options:
        chosen = {*self.layers, name} if wanted else {*self.layers} - {name}
        return replace(self, layers=tuple(each for each in LAYERS if each in chosen))

    def with_lora(self, name: str, strength: float | None) -> Options:
        """*name* with *strength*; None leaves it out."""
        chosen = dict(self.loras)
        if strength is None:
            chosen.pop(name, None)
        elif name in chosen or len(chosen) < MOST_LORAS:
            chosen[name] = strength
        return replace(self, loras=tuple(chosen.items()))

    def choice(self) -> Choice:
        """What a job is made of.

        Raises:
            Refusal: no character is chosen, or a file is gone or no picture.
        """
        if self.character is None:
            raise Refusal(
                "No character is chosen. Take a picture of the media pool, a file, or the frame at the playhead."
            )
        if self.matte and not self.matte.exists():
            raise Refusal(f"The matte {self.matte} is missing. Choose another, or none.")
        return replace(self.for_looking(), character=from_file(self.character))

    def for_looking(self) -> Choice:
        """For looking at the clip alone, which needs no character.

        Animate has no plate, and so neither light nor matte nor layers of one.
        """
        replaces = self.mode is Mode.REPLACE
        return Choice(
            mode=self.mode,
            character=Path(),
            people=self.people,
            quality=self.quality,
            seed=self.seed,
            relight_strength=self.relight_strength if replaces else 1.0,
            prompt=" ".join(self.prompt.split()),
            four_step_strength=self.four_step_strength,
            loras=self.loras,
            handles=self.handles,
            matte=self.matte if replaces else None,
            layers=self.layers if replaces else (),
            source=self.source,
            graded=self.graded,
            sequence=self.sequence,
        )


def remembered(path: Path, mode: Mode) -> Options:
    """The options of the last time, as far as they can be read."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        told = json.loads(path.read_text("utf-8"))
        return _checked(Options(mode=mode), told if isinstance(told, dict) else {})
    return Options(mode=mode)


def remember(path: Path, options: Options) -> None:
    """For the next time; where that cannot be written, nobody is bothered."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({name: getattr(options, name) for name in REMEMBERED}), "utf-8")


def _checked(options: Options, told: dict[str, Any]) -> Options:
    quality = told.get("quality")
    layers, loras = told.get("layers") or (), told.get("loras") or ()
    return replace(
        options,
        quality=quality if quality in QUALITIES else options.quality,
        seed=_within(told.get("seed"), 0, MOST_SEED),
        relight_strength=_held(told.get("relight_strength", 1.0), 0.0, 1.0),
        handles=_within(told.get("handles"), 0, MOST_HANDLES),
        layers=tuple(name for name in LAYERS if name in layers),
        four_step_strength=_held(told.get("four_step_strength", 1.0), *FOUR_STEP_STRENGTH),
        loras=tuple((str(name), _held(strength, *LORA_STRENGTH)) for name, strength in loras)[:MOST_LORAS],
    )


def _held(value: Any, low: float, high: float) -> float:
    return min(max(float(value), low), high)


def _within(value: object, low: int, high: int) -> int:
    return min(max(int(value), low), high) if isinstance(value, int) else low
