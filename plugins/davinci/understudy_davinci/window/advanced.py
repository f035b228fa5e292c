# SPDX-License-Identifier: Apache-2.0
"""What is seldom needed, shown on request: the prompt, and LoRAs."""

from __future__ import annotations

import tkinter
from tkinter import ttk

from .cards import Card
from .look import ACCENT_DARK, CARD, FAINT, FIELD, LINE, SPACE, TEXT
from .options import MOST_PROMPT_LETTERS
from .strengths import Strengths

PROMPT_LINES = 2
USUAL_PROMPT = "What the picture shows. Empty: the model's own."


class AdvancedCard(Card):
    """One line until it is opened by a click on it."""

    def build(self) -> None:
        self._is_open = False
        self._head.configure(cursor="hand2", takefocus=True)
        for event in ("<Button-1>", "<Return>", "<space>"):
            self._head.bind(event, lambda _: self.toggle())
        self._body = ttk.Frame(self.frame, style="Card.TFrame")
        self._body.columnconfigure(0, weight=1)
        words = ttk.Frame(self._body, style="Card.TFrame")
        words.grid(row=0, column=0, sticky="new")
        self._strengths = Strengths(self._body, self.window)
        self._strengths.frame.grid(row=0, column=1, sticky="ne", padx=(2 * SPACE, 0))
        line = ttk.Frame(words, style="Card.TFrame")
        line.pack(fill="x")
        ttk.Label(line, text="Prompt", style="Card.TLabel").pack(side="left")
        self._hint = ttk.Label(line, style="Note.TLabel")
        self._hint.pack(side="left", padx=(SPACE, 0))
        self._prompt = _words(words)
        self._prompt.pack(fill="x", pady=(6, 0))
        self._prompt.bind("<<Modified>>", lambda _: self._typed())

    def toggle(self) -> None:
        self._is_open = not self._is_open
        if self._is_open:
            self._body.pack(fill="x")
            self.model.look_at_server()
        else:
            self._body.pack_forget()
        self.window.fit()
        self.window.refresh()

    def refresh(self) -> None:
        model = self.model
        self._head.configure(text=f"{'▾' if self._is_open else '▸'}  ADVANCED{self._chosen()}")
        self._head.pack_configure(pady=(0, 8 if self._is_open else 0))
        usable = not model.busy and not model.refuses_prompt
        look = {"state": "normal", "foreground": TEXT, "background": FIELD}
        self._prompt.configure(
            look if usable else {"state": "disabled", "foreground": FAINT, "background": CARD}
        )
        reads_none = f"{model.served.model} reads no prompt." if model.served else ""
        self._strengths.refresh()
        self._hint.configure(text=reads_none if model.refuses_prompt else USUAL_PROMPT)

    def _chosen(self) -> str:
        """What lies hidden in it while it is closed."""
        if self._is_open:
            return ""
        told = [f"{name} {strength:.2f}" for name, strength in self.model.options.loras]
        if not self.model.refuses_prompt:
            told.append(" ".join(self.model.options.prompt.split()))
        text = "  ·  ".join(each for each in told if each)
        return f"  ·  {text[:60]}{'…' if text[60:] else ''}" if text else ""

    def _typed(self) -> None:
        if not self._prompt.edit_modified():
            return
        typed = self._prompt.get("1.0", "end-1c")
        if len(typed) > MOST_PROMPT_LETTERS:
            self._prompt.delete(f"1.0+{MOST_PROMPT_LETTERS}c", "end")
            typed = typed[:MOST_PROMPT_LETTERS]
        self._prompt.edit_modified(False)
        self.model.adjust(prompt=typed)


def _words(parent: tkinter.Misc) -> tkinter.Text:
    """A field of several lines, which ttk has none of, that looks like its others; Tab leaves it."""
    field = tkinter.Text(
        parent,
        height=PROMPT_LINES,
        width=20,
        wrap="word",
        font="TkTextFont",
        background=FIELD,
        foreground=TEXT,
        insertbackground=TEXT,
        selectbackground=ACCENT_DARK,
        highlightbackground=LINE,
        highlightcolor=ACCENT_DARK,
        highlightthickness=1,
        borderwidth=0,
        padx=6,
        pady=4,
    )

    def leave(_: object) -> str:
        if following := field.tk_focusNext():
            following.focus_set()
        return "break"

    field.bind("<Tab>", leave)
    return field
