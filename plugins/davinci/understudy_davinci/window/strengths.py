# SPDX-License-Identifier: Apache-2.0
"""How strongly LoRAs count: the model's own for four steps, and the artist's."""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import TYPE_CHECKING

from understudy_api.sampling import FOUR_STEP_STRENGTH, MOST_LORAS

from .model import Model

if TYPE_CHECKING:
    from .view import Window

SHOWN = (0.0, 2.0)  # of a LoRA: more is seldom of use
STEP = 0.05
NAME_LETTERS = 20
ADD = "Add a LoRA …"


class Strength:
    """A line: a name, a slider, its value, and where it can go a button for that."""

    def __init__(
        self,
        parent: tkinter.Misc,
        name: str,
        span: tuple[float, float],
        changed: Callable[[float], None],
        remove: Callable[[], None] | None = None,
    ) -> None:
        self.frame = ttk.Frame(parent, style="Card.TFrame")
        shown = name if len(name) <= NAME_LETTERS else f"…{name[-NAME_LETTERS + 1 :]}"
        ttk.Label(self.frame, text=shown, style="Card.TLabel", width=NAME_LETTERS - 2).pack(side="left")
        self._remove = ttk.Button(self.frame, width=2, style="Small.TButton")
        self._remove.pack(side="right")  # also where it does nothing, so that sliders are of one length
        self._removes = remove is not None
        if remove:
            self._remove.configure(text="✕", command=remove)
        self._text = ttk.Label(self.frame, style="Note.TLabel", width=5, anchor="e")
        self._text.pack(side="right", padx=(0, 6))
        self.scale = ttk.Scale(self.frame, from_=span[0], to=span[1], command=self._moved)
        self.scale.pack(side="left", fill="x", expand=True)
        self._changed = changed
        self._drawing = False

    def show(self, value: float, *, usable: bool) -> None:
        self._drawing = True
        self.scale.set(value)
        self._drawing = False
        self._text.configure(text=f"{value:.2f}")
        self.scale.state(["!disabled" if usable else "disabled"])
        self._remove.state(["!disabled" if usable and self._removes else "disabled"])

    def _moved(self, value: str) -> None:
        if not self._drawing:
            self._changed(round(round(float(value) / STEP) * STEP, 2))


class Strengths:
    """All lines, and the list to add one from. Nothing at all where the model has none."""

    def __init__(self, parent: tkinter.Misc, window: Window) -> None:
        self._window = window
        self.frame = ttk.Frame(parent, style="Card.TFrame")
        self.frame.columnconfigure(0, weight=1)
        ttk.Label(self.frame, text="LoRAs", style="Card.TLabel").grid(sticky="w", pady=(0, 4))
        self._four_step = Strength(self.frame, "Four steps", FOUR_STEP_STRENGTH, self._set_four_step)
        self._chosen = ttk.Frame(self.frame, style="Card.TFrame")
        self.add = ttk.Combobox(self.frame, state="readonly", width=30)
        self.add.bind("<<ComboboxSelected>>", lambda _: self._add())
        for part in (self._four_step.frame, self._chosen, self.add):
            part.grid(sticky="ew", pady=2)
        self.lines: dict[str, Strength] = {}

    @property
    def _model(self) -> Model:
        return self._window.model

    def refresh(self) -> None:
        model, options, served = self._model, self._model.options, self._model.served
        chosen = dict(options.loras)
        left = [name for name in served.loras if name not in chosen] if served else []
        has_four_step = served is not None and served.four_step
        if list(chosen) != list(self.lines):
            self._rebuild(list(chosen))
        for name, line in self.lines.items():
            line.show(chosen[name], usable=not model.busy)
        four_steps = options.quality == "preview"
        self._four_step.show(options.four_step_strength, usable=four_steps and not model.busy)
        self.add.configure(values=left)
        self.add.set(ADD)
        self.add.state(["disabled" if model.busy else "!disabled"])
        _show(self._four_step.frame, has_four_step)
        _show(self._chosen, bool(chosen))
        _show(self.add, bool(left) and len(chosen) < MOST_LORAS)
        _show(self.frame, bool(chosen or left or has_four_step))

    def _rebuild(self, names: list[str]) -> None:
        for line in self.lines.values():
            line.frame.destroy()
        self.lines = {name: self._line(name) for name in names}

    def _line(self, name: str) -> Strength:
        line = Strength(
            self._chosen,
            name,
            SHOWN,
            lambda strength: self._act(lambda: self._model.set_lora(name, strength)),
            lambda: self._act(lambda: self._model.set_lora(name, None)),
        )
        line.frame.pack(fill="x", pady=2)
        return line

    def _add(self) -> None:
        name = self.add.get()
        self.add.selection_clear()
        self._act(lambda: self._model.set_lora(name, 1.0))

    def _set_four_step(self, strength: float) -> None:
        self._act(lambda: self._model.adjust(four_step_strength=max(strength, FOUR_STEP_STRENGTH[0])))

    def _act(self, act: Callable[[], None]) -> None:
        act()
        self._window.refresh()


def _show(part: tkinter.Widget, wanted: bool) -> None:
    """In its place of the grid, or not."""
    if wanted:
        part.grid()
    else:
        part.grid_remove()
