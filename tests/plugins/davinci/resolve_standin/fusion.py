"""Fusion as a script meets it: UIManager and its dispatcher, or None and a dialog in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .standin import ResolveStandIn

ELEMENTS = frozenset(
    [
        "Label",
        "Button",
        "CheckBox",
        "ComboBox",
        "SpinBox",
        "Slider",
        "LineEdit",
        "TextEdit",
        "ColorPicker",
        "TabBar",
        "Tree",
        "TreeItem",
        "Font",
        "Icon",
        "HGroup",
        "VGroup",
        "HGap",
        "VGap",
    ]
)
EVENTS = frozenset(
    [
        "Clicked",
        "CurrentIndexChanged",
        "ValueChanged",
        "TextChanged",
        "TextEdited",
        "EditingFinished",
        "ItemClicked",
        "ItemDoubleClicked",
        "Close",
        "KeyPress",
        "KeyRelease",
        "MousePress",
        "MouseRelease",
        "FocusIn",
        "FocusOut",
        "Resize",
        "Show",
        "Hide",
        "Toggled",
    ]
)


class Fusion:
    """`resolve.Fusion()`: of it only what a plugin may want. Asking for UIManager on free opens the upsell (T42)."""

    def __init__(self, standin: ResolveStandIn) -> None:
        self._standin = standin

    @property
    def UIManager(self) -> UIManager | None:
        if self._standin.profile.has_ui_manager:
            return self._standin.ui
        if not self._standin.profile.headless:
            self._standin.open_modal("Upgrade to DaVinci Resolve Studio")
        return None

    def GetResolve(self) -> Any:
        return self._standin.resolve

    def RequestFile(self, path: str = "") -> str | None:
        return self._standin.picked_file

    def RequestDir(self, path: str = "") -> str | None:
        return self._standin.picked_folder


@dataclass(eq=False)
class Element:
    """One element of a window. Values are attributes, as in the real one: `window.GetItems()["name"].Text`."""

    kind: str
    properties: dict[str, Any]
    children: list[Any]

    def __post_init__(self) -> None:
        for name, value in self.properties.items():
            setattr(self, name, value)
        self.items: list[str] = []

    def AddItems(self, items: list[str]) -> None:
        self.items += items

    def AddItem(self, item: str) -> None:
        self.items.append(item)


class UIManager:
    """Makes elements by their documented names; any other name is None, as on every object of Resolve."""

    def __init__(self) -> None:
        self.queued: list[tuple[Any, str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        if name in ELEMENTS:
            return lambda properties=None, children=(): _element(name, properties, children)
        return None

    def QueueEvent(self, element: Any, event: str, info: dict[str, Any]) -> None:
        self.queued.append((element, event, info))


def _element(kind: str, properties: Any, children: Any) -> Element:
    if isinstance(properties, list):
        properties, children = {}, properties
    return Element(kind, dict(properties or {}), list(children))


@dataclass(eq=False)
class Window:
    properties: dict[str, Any]
    elements: dict[str, Element]
    On: Handlers
    shown: bool = False

    def Show(self) -> None:
        self.shown = True

    def Hide(self) -> None:
        self.shown = False

    def GetItems(self) -> dict[str, Element]:
        return self.elements

    def Find(self, element_id: str) -> Element | None:
        return self.elements.get(element_id)


class Handlers:
    """`win.On.<ID>.<Event> = fn`."""

    def __init__(self) -> None:
        self._by_id: dict[str, Any] = {}

    def __getattr__(self, element_id: str) -> Any:
        return self._by_id.setdefault(element_id, type("On", (), {})())


@dataclass(eq=False)
class Dispatcher:
    """`bmd.UIDispatcher(ui)`: RunLoop plays the events that the test has written, then waits for none."""

    ui: UIManager
    script: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    exit_code: int | None = None

    def AddWindow(self, properties: dict[str, Any], children: Any) -> Window:
        elements: dict[str, Element] = {}
        _collect(children if isinstance(children, list) else [children], elements)
        self.windows.append(Window(properties, elements, Handlers()))
        return self.windows[-1]

    AddDialog = AddWindow

    def RunLoop(self) -> int | None:
        for element_id, event, more in self.script:
            for window in self.windows:
                handler: Callable[..., Any] | None = getattr(getattr(window.On, element_id), event, None)
                if handler:
                    handler(
                        {"who": element_id, "what": event, "when": 0, "sender": window, "modifiers": {}}
                        | more
                    )
            if self.exit_code is not None:
                break
        return self.exit_code

    def ExitLoop(self, code: int = 0) -> None:
        self.exit_code = code


def _collect(children: list[Any], elements: dict[str, Element]) -> None:
    for child in children:
        if isinstance(child, Element):
            if "ID" in child.properties:
                elements[child.properties["ID"]] = child
            _collect(child.children, elements)
