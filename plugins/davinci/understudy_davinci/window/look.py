# SPDX-License-Identifier: Apache-2.0
"""The window's look: dark and quiet, as Resolve itself."""

from __future__ import annotations

import tkinter
from tkinter import font, ttk
from typing import Any

BACKGROUND = "#1c1c20"
CARD = "#26262b"
FIELD = "#18181b"
LINE = "#3a3a42"
HOVER = "#33333a"
TEXT = "#e6e6ea"
QUIET = "#9a9aa5"
FAINT = "#5d5d66"
ACCENT = "#2fb5a5"
ACCENT_DARK = "#1f7d73"
TROUBLE = "#f08a7a"
SPACE = 14


def apply(root: tkinter.Tk) -> None:
    """Styles of all widgets under *root*."""
    root.configure(background=BACKGROUND)
    for name in ("TkDefaultFont", "TkTextFont", "TkMenuFont"):
        font.nametofont(name, root).configure(size=10)
    root.option_add("*TCombobox*Listbox.background", FIELD)
    root.option_add("*TCombobox*Listbox.foreground", TEXT)
    root.option_add("*TCombobox*Listbox.selectBackground", ACCENT_DARK)
    root.option_add("*TCombobox*Listbox.selectForeground", TEXT)
    style = ttk.Style(root)
    style.theme_use("clam")
    style.configure(
        ".",
        background=BACKGROUND,
        foreground=TEXT,
        bordercolor=LINE,
        lightcolor=LINE,
        darkcolor=LINE,
        troughcolor=FIELD,
        fieldbackground=FIELD,
        insertcolor=TEXT,
        selectbackground=ACCENT_DARK,
        selectforeground=TEXT,
    )
    _labels(style, font.nametofont("TkDefaultFont", root).actual("family"))
    _buttons(style)
    _fields(style)


def _labels(style: ttk.Style, family: str) -> None:
    style.configure("Card.TFrame", background=CARD)
    style.configure("Title.TLabel", font=(family, 16, "bold"))
    style.configure("Quiet.TLabel", foreground=QUIET)
    style.configure("Small.TLabel", foreground=QUIET, font=(family, 9))
    style.configure("Card.TLabel", background=CARD)
    style.configure("Head.TLabel", background=CARD, foreground=QUIET, font=(family, 9, "bold"))
    style.configure("Note.TLabel", background=CARD, foreground=QUIET, font=(family, 9))
    style.configure("Trouble.TLabel", foreground=TROUBLE)
    style.configure("Trouble.Note.TLabel", background=CARD, foreground=TROUBLE, font=(family, 9))
    style.configure("Big.TButton", font=(family, 11, "bold"))


def _buttons(style: ttk.Style) -> None:
    flat: dict[str, Any] = {"borderwidth": 0, "focusthickness": 1, "focuscolor": ACCENT, "relief": "flat"}
    style.configure("TButton", background=HOVER, foreground=TEXT, padding=(12, 6), **flat)
    style.map(
        "TButton",
        background=[("disabled", CARD), ("active", LINE)],
        foreground=[("disabled", FAINT)],
    )
    style.configure("Small.TButton", background=CARD, padding=(4, 0), **flat)
    style.configure("Big.TButton", background=ACCENT_DARK, padding=(26, 9), **flat)
    style.map(
        "Big.TButton",
        background=[("disabled", CARD), ("active", ACCENT)],
        foreground=[("disabled", FAINT)],
    )
    style.configure(
        "Toolbutton", background=FIELD, foreground=QUIET, padding=(14, 6), anchor="center", **flat
    )
    style.map(
        "Toolbutton",
        background=[("disabled", "selected", LINE), ("selected", ACCENT_DARK), ("active", HOVER)],
        foreground=[("disabled", "selected", QUIET), ("disabled", FAINT), ("selected", TEXT)],
    )
    style.configure(
        "TCheckbutton", background=CARD, indicatorbackground=FIELD, indicatorforeground=TEXT, **flat
    )
    style.map(
        "TCheckbutton",
        background=[("active", CARD)],
        indicatorbackground=[("selected", ACCENT_DARK), ("active", HOVER)],
        foreground=[("disabled", FAINT)],
    )


def _fields(style: ttk.Style) -> None:
    for name in ("TCombobox", "TSpinbox", "TEntry"):
        style.configure(name, padding=5, arrowcolor=QUIET, arrowsize=12, background=FIELD, relief="flat")
        style.map(
            name,
            fieldbackground=[("disabled", CARD), ("readonly", FIELD)],
            foreground=[("disabled", FAINT), ("readonly", TEXT)],
            bordercolor=[("focus", ACCENT_DARK)],
            lightcolor=[("focus", ACCENT_DARK)],
            background=[("active", HOVER)],
        )
    style.configure(
        "Horizontal.TScale", background=QUIET, troughcolor=FIELD, borderwidth=0, sliderlength=16, gripcount=0
    )
    style.map("Horizontal.TScale", background=[("disabled", LINE), ("active", ACCENT)])
    _bar(style)


def _bar(style: ttk.Style) -> None:
    """Six pixels high: clam's own is as high as a line of text."""
    for part in ("trough", "pbar"):
        style.element_create(f"Slim.{part}", "from", "default", f"Horizontal.Progressbar.{part}")
    bar: Any = ("Slim.pbar", {"side": "left", "sticky": "ns"})
    style.layout("Slim.Horizontal.TProgressbar", [("Slim.trough", {"sticky": "nswe", "children": [bar]})])
    style.configure(
        "Slim.Horizontal.TProgressbar", background=ACCENT, troughcolor=FIELD, borderwidth=0, thickness=6
    )
