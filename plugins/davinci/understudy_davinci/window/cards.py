# SPDX-License-Identifier: Apache-2.0
"""The parts of the window: the character, who is replaced, how it is made, and the rest."""

from __future__ import annotations

import base64
import tkinter
from collections.abc import Callable
from pathlib import Path
from tkinter import filedialog, ttk
from typing import TYPE_CHECKING

from ..shot import Mode, Way
from .look import ACCENT, CARD, FIELD, LINE, SPACE
from .model import Model
from .options import LAYERS, MOST_HANDLES, MOST_SEED, QUALITIES

if TYPE_CHECKING:
    from .view import Window

CHARACTER_PX = (200, 260)
PERSON_PX = (72, 96)
PICTURES = [("Pictures", "*.png *.jpg *.jpeg *.tif *.tiff *.webp *.bmp"), ("All files", "*")]
MOVIES = [("Movies and pictures", "*.mov *.mp4 *.mkv *.avi *.mxf *.png"), ("All files", "*")]
WAYS = {Way.AUTO: "Decide by the clip", Way.FILE: "Read its file", Way.RENDER: "Render in Resolve"}
FOUND_MATTE, FROM_FILE = "Found by the server", "From a file …"
LAYER_WORDS = {"character": "Character with alpha", "matte": "Matte"}


class Card:
    """A titled part of the window, over one model."""

    title = ""

    def __init__(self, parent: tkinter.Misc, window: Window) -> None:
        self.window = window
        self.frame = ttk.Frame(parent, style="Card.TFrame", padding=SPACE)
        self._head = ttk.Label(self.frame, text=self.title, style="Head.TLabel")
        self._head.pack(anchor="w", pady=(0, 8))
        self.build()

    @property
    def model(self) -> Model:
        return self.window.model

    def build(self) -> None:
        """Makes the widgets, once."""

    def refresh(self) -> None:
        """Draws the model."""

    def changed(self, act: Callable[[], None]) -> None:
        act()
        self.window.refresh()

    def enable(self, *widgets: ttk.Widget, when: bool) -> None:
        for widget in widgets:
            widget.state(["!disabled" if when else "disabled"])


class Pictured:
    """A label that shows a thumbnail, and keeps it: Tk forgets a picture that nobody holds."""

    def __init__(self, parent: tkinter.Misc, window: Window, size_px: tuple[int, int]) -> None:
        self.label = tkinter.Label(
            parent, background=FIELD, foreground=LINE, borderwidth=0, highlightthickness=2
        )
        self._window = window
        self._size_px = size_px
        self._blank = tkinter.PhotoImage(width=size_px[0], height=size_px[1])
        self._data: bytes | None = b""
        self.show(None)

    def show(self, source: Path | bytes | None, *, lit: bool = False) -> None:
        data = self._window.thumbnails.get(source, *self._size_px) if source is not None else None
        if data != self._data:
            self._data = data
            self._image = tkinter.PhotoImage(data=base64.b64encode(data)) if data else self._blank
            self.label.configure(image=self._image)
        edge = ACCENT if lit else CARD
        self.label.configure(highlightbackground=edge, highlightcolor=edge)


class CharacterCard(Card):
    title = "CHARACTER"

    def build(self) -> None:
        self._picture = Pictured(self.frame, self.window, CHARACTER_PX)
        self._picture.label.pack()
        self._name = ttk.Label(self.frame, style="Note.TLabel", wraplength=CHARACTER_PX[0])
        self._name.pack(anchor="w", pady=(6, 10))
        self._pool = ttk.Combobox(self.frame, state="readonly", width=22)
        self._pool.pack(fill="x")
        self._pool.bind("<<ComboboxSelected>>", lambda _: self._from_pool())
        self._file = ttk.Button(self.frame, text="From a file …", command=self._from_file)
        self._file.pack(fill="x", pady=(8, 0))
        self._still = ttk.Button(
            self.frame, text="Frame at the playhead", command=lambda: self.changed(self.model.take_still)
        )
        self._still.pack(fill="x", pady=(8, 0))

    def refresh(self) -> None:
        model, chosen = self.model, self.model.options.character
        self._picture.show(chosen)
        names = [name for name, path in model.pool.pictures if path == chosen]
        self._name.configure(text=(names[0] if names else chosen.name) if chosen else "No picture yet")
        self._pool.configure(values=[name for name, _ in model.pool.pictures])
        self._pool.set("From the media pool" if model.pool.pictures else "No pictures in the media pool")
        self.enable(self._pool, when=bool(model.pool.pictures) and not model.busy)
        self.enable(self._file, self._still, when=not model.busy)

    def _from_pool(self) -> None:
        path = self.model.pool.pictures[self._pool.current()][1]
        self._pool.selection_clear()
        self.changed(lambda: self.model.set(character=path))

    def _from_file(self) -> None:
        if name := filedialog.askopenfilename(title="A picture of the character", filetypes=PICTURES):
            self.changed(lambda: self.model.set(character=Path(name)))


class PeopleCard(Card):
    title = "WHO IS REPLACED"

    def build(self) -> None:
        row = ttk.Frame(self.frame, style="Card.TFrame")
        row.pack(fill="x")
        self._row = ttk.Frame(row, style="Card.TFrame", height=PERSON_PX[1] + 26)
        self._row.pack(side="left", fill="x", expand=True)
        self._find = ttk.Button(row, text="Find people", command=lambda: self.changed(self.model.find_people))
        self._find.pack(side="right", anchor="n")
        self._hint = ttk.Label(self.frame, style="Note.TLabel")
        self._hint.pack(anchor="w", pady=(4, 0))
        self._shown: dict[str, tuple[Pictured, ttk.Label]] = {}

    def refresh(self) -> None:
        model = self.model
        replaces = model.options.mode is Mode.REPLACE
        self._head.configure(text="WHO IS REPLACED" if replaces else "WHOSE MOTION")
        people = model.people or ()
        if set(self._shown) != {person.name for person in people}:
            self._rebuild()
        for person in people:
            picture, label = self._shown[person.name]
            lit = person.name in model.options.people
            picture.show(person.picture, lit=lit)
            label.configure(text=f"{person.name} · {person.frames_seen} fr.")
        self._hint.configure(text=self._hinted())
        self.enable(self._find, when=bool(model.shots) and not model.busy)

    def _hinted(self) -> str:
        if self.model.people == ():
            return "Nobody was found: paint a matte, and choose it below."
        if self.model.options.people:
            return f"Chosen: {', '.join(self.model.options.people)}. Click again to leave somebody out."
        return "Nobody is chosen, so it is who takes up most of the picture."

    def _rebuild(self) -> None:
        for child in self._row.winfo_children():
            child.destroy()
        self._shown = {}
        for person in self.model.people or ():
            cell = ttk.Frame(self._row, style="Card.TFrame")
            cell.pack(side="left", padx=(0, 8))
            picture = Pictured(cell, self.window, PERSON_PX)
            picture.label.pack()
            picture.label.bind("<Button-1>", lambda _, name=person.name: self._toggle(name))  # type: ignore[misc]
            label = ttk.Label(cell, style="Note.TLabel")
            label.pack()
            self._shown[person.name] = (picture, label)

    def _toggle(self, name: str) -> None:
        if not self.model.busy:
            self.changed(lambda: self.model.toggle_person(name))


class MakingCard(Card):
    title = "QUALITY"

    def build(self) -> None:
        self._quality = tkinter.StringVar()
        row = ttk.Frame(self.frame, style="Card.TFrame")
        row.pack(fill="x")
        self._qualities = [
            ttk.Radiobutton(
                row,
                text=name.capitalize(),
                value=name,
                variable=self._quality,
                style="Toolbutton",
                command=lambda: self.changed(lambda: self.model.set(quality=self._quality.get())),
            )
            for name in QUALITIES
        ]
        for button in self._qualities:
            button.pack(side="left", fill="x", expand=True)
        self._estimate = ttk.Label(self.frame, wraplength=240, justify="left")
        self._estimate.pack(anchor="w", pady=(8, 12), fill="x")
        self._seed = self._number("Seed", MOST_SEED, "seed")
        self._handles = self._number("Handles, frames", MOST_HANDLES, "handles")
        line = ttk.Frame(self.frame, style="Card.TFrame")
        line.pack(fill="x", pady=(4, 0))
        ttk.Label(line, text="Relight", style="Card.TLabel").pack(side="left")
        self._light_text = ttk.Label(line, style="Note.TLabel", width=6, anchor="e")
        self._light_text.pack(side="right")
        self._light = ttk.Scale(self.frame, from_=0, to=100, command=self._set_light)
        self._light.pack(fill="x", pady=(6, 0))
        self._drawing = False

    def _number(self, text: str, most: int, name: str) -> ttk.Spinbox:
        line = ttk.Frame(self.frame, style="Card.TFrame")
        line.pack(fill="x", pady=4)
        ttk.Label(line, text=text, style="Card.TLabel").pack(side="left")
        box = ttk.Spinbox(line, from_=0, to=most, width=10, justify="right")

        def take() -> None:
            typed = box.get()
            value = min(int(typed), most) if typed.isdigit() else getattr(self.model.options, name)
            if value != getattr(self.model.options, name):
                self.model.set(**{name: value})
            self.window.refresh()

        box.configure(command=take)
        box.bind("<FocusOut>", lambda _: take())
        box.bind("<Return>", lambda _: take())
        box.pack(side="right")
        return box

    def refresh(self) -> None:
        model, options = self.model, self.model.options
        self._quality.set(options.quality)
        estimate = model.estimate
        text = estimate.text if estimate else ("Asking the server …" if model.can_run else "")
        trouble = bool(estimate and estimate.trouble)
        self._estimate.configure(text=text, style="Trouble.Note.TLabel" if trouble else "Note.TLabel")
        for box, value in ((self._seed, options.seed), (self._handles, options.handles)):
            if box.get() != str(value) and self.window.root.focus_get() is not box:
                box.set(value)
        self._drawing = True
        self._light.set(100 * options.relight_strength)
        self._drawing = False
        self._light_text.configure(text=f"{options.relight_strength:.0%}")
        self.enable(*self._qualities, self._seed, self._handles, when=not model.busy)
        self.enable(self._light, when=not model.busy and options.mode is Mode.REPLACE)

    def _set_light(self, value: str) -> None:
        strength = round(float(value)) / 100
        if not self._drawing and strength != self.model.options.relight_strength:
            self.changed(lambda: self.model.set(relight_strength=strength))


class MoreCard(Card):
    title = "MATTE"

    def build(self) -> None:
        self._matte = ttk.Combobox(self.frame, state="readonly")
        self._matte.pack(fill="x", pady=(0, 10))
        self._matte.bind("<<ComboboxSelected>>", lambda _: self._set_matte())
        ttk.Label(self.frame, text="Also on tracks of their own", style="Note.TLabel").pack(anchor="w")
        self._layers = {name: self._layer(name) for name in LAYERS}
        ttk.Label(self.frame, text="The clip's frames", style="Note.TLabel").pack(anchor="w", pady=(10, 4))
        self._way = ttk.Combobox(self.frame, state="readonly", values=list(WAYS.values()))
        self._way.pack(fill="x")
        self._way.bind("<<ComboboxSelected>>", lambda _: self._set_way())
        self._graded = tkinter.BooleanVar()
        self._grade = ttk.Checkbutton(
            self.frame,
            text="With the clip's grade",
            variable=self._graded,
            command=lambda: self.changed(lambda: self.model.set(graded=self._graded.get())),
        )
        self._grade.pack(anchor="w", pady=(8, 0))

    def _layer(self, name: str) -> tuple[tkinter.BooleanVar, ttk.Checkbutton]:
        wanted = tkinter.BooleanVar()
        box = ttk.Checkbutton(
            self.frame,
            text=LAYER_WORDS[name],
            variable=wanted,
            command=lambda: self.changed(lambda: self.model.set_layer(name, wanted.get())),
        )
        box.pack(anchor="w", pady=(4, 0))
        return wanted, box

    def refresh(self) -> None:
        model, options = self.model, self.model.options
        usable = not model.busy and options.mode is Mode.REPLACE
        names = [name for name, path in model.pool.movies if path != options.matte]
        self._matte.configure(values=[FOUND_MATTE, *names, FROM_FILE])
        self._matte.set(options.matte.name if options.matte else FOUND_MATTE)
        self.enable(self._matte, when=usable)
        for name, (wanted, box) in self._layers.items():
            wanted.set(name in options.layers)
            self.enable(box, when=usable)
        self._way.set(WAYS[options.source])
        self._graded.set(options.graded)
        self.enable(self._way, when=not model.busy)
        self.enable(self._grade, when=not model.busy and options.source is not Way.FILE)

    def _set_matte(self) -> None:
        chosen = self._matte.get()
        self._matte.selection_clear()
        matte = next((path for name, path in self.model.pool.movies if name == chosen), None)
        if chosen == FROM_FILE:
            name = filedialog.askopenfilename(title="A matte: white is the person", filetypes=MOVIES)
            matte = Path(name) if name else self.model.options.matte
        self.changed(lambda: self.model.set(matte=matte))

    def _set_way(self) -> None:
        way = list(WAYS)[self._way.current()]
        self._way.selection_clear()
        self.changed(lambda: self.model.set(source=way))
