# SPDX-License-Identifier: Apache-2.0
"""The options window: it draws a `Model` whenever something came, and passes on what the artist does."""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from tkinter import ttk

from ..shot import Mode
from .advanced import AdvancedCard
from .cards import CharacterCard, MakingCard, MoreCard, PeopleCard
from .look import BACKGROUND, SPACE, apply
from .model import Model, Stage
from .pictures import Thumbnails
from .worker import Worker

PERIOD_MS = 60
WIDTH_PX, HEIGHT_PX = 820, 640
BARS_PX = 80  # of the system: the title, a taskbar
WRAP_PX = WIDTH_PX - 2 * SPACE


class Window:
    """Shown until the artist closes it. Work that goes on then is finished without it."""

    def __init__(self, model: Model, worker: Worker, knocked: Callable[[], str] = str) -> None:
        """*knocked*: asked for the verb of a menu entry that was chosen since; "" for none."""
        self.model = model
        self._worker = worker
        self._knocked = knocked
        self._indeterminate = False
        self.root = tkinter.Tk(className="Understudy")
        self.root.title("Understudy")
        self.root.minsize(WIDTH_PX, HEIGHT_PX)
        self.root.protocol("WM_DELETE_WINDOW", self.close)
        apply(self.root)
        self.thumbnails = Thumbnails(worker.tell)
        self._head()
        self._foot()  # before the cards: where there is little room, they are cut, and never the buttons
        self._cards()
        self.root.bind("<Escape>", lambda _: self.close())

    def run(self) -> None:
        """Until the window is closed and nothing goes on."""
        self.model.start()
        self._tick()
        self.root.mainloop()

    def close(self) -> None:
        """Hides the window while something is made, which then still finds its place; ends the program otherwise."""
        if self.model.stage is Stage.WORKING:
            self.root.withdraw()
        else:
            self.root.destroy()

    def refresh(self) -> None:
        """Draws the model anew."""
        model = self.model
        self._title.set(model.subject or "Understudy")
        self._facts.set(" · ".join(each for each in (model.facts, model.about) if each))
        self._draw_notice(model.served.notice if model.served else "")
        for card in self._all:
            card.refresh()
        self._draw_status()
        self._draw_buttons()

    def fit(self) -> None:
        """As large as its parts are now, and no higher than the screen."""
        self.root.geometry("")
        self.root.update_idletasks()
        width, height = self.root.winfo_reqwidth(), self.root.winfo_reqheight()
        most = self.root.winfo_screenheight() - BARS_PX
        if height > most:
            self.root.geometry(f"{width}x{most}")

    # ---- Parts -------------------------------------------------------------------------------------------

    def _head(self) -> None:
        head = ttk.Frame(self.root, padding=(SPACE, SPACE, SPACE, 0))
        head.pack(fill="x")
        self._title, self._facts = tkinter.StringVar(), tkinter.StringVar()
        names = ttk.Frame(head)
        names.pack(side="left", fill="x", expand=True)
        ttk.Label(names, textvariable=self._title, style="Title.TLabel").pack(anchor="w")
        ttk.Label(names, textvariable=self._facts, style="Quiet.TLabel").pack(anchor="w", pady=(2, 0))
        self._notice = ttk.Label(names, style="Small.TLabel", wraplength=WRAP_PX - 200, justify="left")
        self._verbs = tkinter.StringVar()
        verbs = tkinter.Frame(head, background=BACKGROUND)
        verbs.pack(side="right", anchor="n")
        for text, value in (("Replace", "replace"), ("Animate", "animate")):
            button = ttk.Radiobutton(
                verbs,
                text=text,
                value=value,
                variable=self._verbs,
                style="Toolbutton",
                command=self._set_mode,
            )
            button.pack(side="left")

    def _cards(self) -> None:
        body = ttk.Frame(self.root, padding=SPACE)
        body.pack(fill="both", expand=True)
        body.columnconfigure(1, weight=1)
        body.rowconfigure(1, weight=1)
        character = CharacterCard(body, self)
        character.frame.grid(row=0, column=0, rowspan=2, sticky="nsew", padx=(0, SPACE))
        people = PeopleCard(body, self)
        people.frame.grid(row=0, column=1, sticky="nsew", pady=(0, SPACE))
        right = ttk.Frame(body)
        right.grid(row=1, column=1, sticky="nsew")
        right.columnconfigure((0, 1), weight=1, uniform="halves")
        right.rowconfigure(0, weight=1)
        making = MakingCard(right, self)
        making.frame.grid(row=0, column=0, sticky="nsew", padx=(0, SPACE))
        more = MoreCard(right, self)
        more.frame.grid(row=0, column=1, sticky="nsew")
        advanced = AdvancedCard(body, self)
        advanced.frame.grid(row=2, column=0, columnspan=2, sticky="nsew", pady=(SPACE, 0))
        self._all = (character, people, making, more, advanced)

    def _foot(self) -> None:
        foot = ttk.Frame(self.root, padding=(SPACE, 0, SPACE, SPACE))
        foot.pack(fill="x", side="bottom")
        self._bar = ttk.Progressbar(foot, maximum=1.0, style="Slim.Horizontal.TProgressbar")
        self._bar.pack(fill="x", pady=(0, 10))
        self._left, self._right = ttk.Button(foot), ttk.Button(foot, style="Big.TButton")
        self._right.pack(side="right")
        self._left.pack(side="right", padx=(0, 8))
        self._status = ttk.Label(foot, wraplength=WRAP_PX - 300, justify="left")
        self._status.pack(side="left", fill="x", expand=True)

    # ---- Drawing -----------------------------------------------------------------------------------------

    def _draw_notice(self, text: str) -> None:
        self._notice.configure(text=text)
        if text:
            self._notice.pack(anchor="w", pady=(6, 0))
        else:
            self._notice.pack_forget()

    def _draw_status(self) -> None:
        model = self.model
        lines = [model.said, *([] if model.busy else model.notes)]
        if model.tickets and not model.busy:
            lines.append(f"{model.tickets[0].title} is still to be placed.")
        style = "Trouble.TLabel" if model.failed else "TLabel"
        self._status.configure(text="\n".join(line for line in lines if line), style=style)
        runs_blind = model.busy and model.fraction is None
        if runs_blind != self._indeterminate:
            self._indeterminate = runs_blind
            self._bar.configure(mode="indeterminate" if runs_blind else "determinate")
            (self._bar.start if runs_blind else self._bar.stop)()
        if not runs_blind:
            self._bar.configure(value=model.fraction or 0.0)

    def _draw_buttons(self) -> None:
        model = self.model
        self._verbs.set(str(model.options.mode))
        texts = {Stage.REFUSED: ("Close", "Try again"), Stage.WORKING: ("Cancel", model.verb)}
        left, right = texts.get(model.stage, ("Close", model.verb))
        place = bool(model.tickets) and model.stage in (Stage.CHOOSING, Stage.DONE, Stage.REFUSED)
        if place:
            left = "Place it"
        self._left.configure(text=left, command=self._place if place else self._leave)
        self._right.configure(text=right, command=self._go)
        ready = model.can_run or model.stage is Stage.REFUSED
        self._right.state(["!disabled" if ready else "disabled"])

    # ---- What the artist does ----------------------------------------------------------------------------

    def _set_mode(self) -> None:
        self.model.set(mode=Mode(self._verbs.get()))
        self.refresh()

    def _go(self) -> None:
        if self.model.stage is Stage.REFUSED:
            self.model.try_again()
        else:
            self.model.run()
        self.refresh()

    def _leave(self) -> None:
        if self.model.stage is Stage.WORKING:
            self.model.cancel()
            self.refresh()
        else:
            self.close()

    def _place(self) -> None:
        self.model.finish(self.model.tickets[0])
        self.refresh()

    def _tick(self) -> None:
        was_working = self.model.stage is Stage.WORKING
        if verb := self._knocked():
            self.model.start_again(Mode(verb))
            self._to_front()
        if self._worker.drain() or self.model.busy:
            self.refresh()
        if was_working and self.model.stage is not Stage.WORKING and self.root.state() == "withdrawn":
            if not self.model.failed:
                self.root.destroy()
                return
            self._to_front()
        self.root.after(PERIOD_MS, self._tick)

    def _to_front(self) -> None:
        self.root.deiconify()
        self.root.lift()
        self.root.focus_force()
