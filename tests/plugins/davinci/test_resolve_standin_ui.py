"""The stand-in's double of UIManager: elements, windows, a loop that plays what the test wrote (B25)."""

from __future__ import annotations

from typing import Any

from tests.plugins.davinci.resolve_standin import ResolveStandIn


def test_b25_the_loop_plays_scripted_events_to_handlers() -> None:
    found = ResolveStandIn("studio-21.1").menu_globals()
    assert found is not None
    ui = found["fusion"].UIManager
    dispatcher = found["bmd"].UIDispatcher(ui)
    dispatcher.script = [
        ("Name", "TextChanged", {"Text": "Boxer"}),
        ("Ok", "Clicked", {}),
        ("Ok", "Clicked", {}),
    ]
    children = [ui.VGroup([ui.LineEdit({"ID": "Name", "Text": ""}), ui.Button({"ID": "Ok", "Text": "Swap"})])]
    window = dispatcher.AddWindow({"ID": "Win"}, children)
    heard: list[dict[str, Any]] = []
    window.On.Name.TextChanged = heard.append

    def ok(event: dict[str, Any]) -> None:
        heard.append(event)
        dispatcher.ExitLoop(7)

    window.On.Ok.Clicked = ok
    window.Show()
    assert dispatcher.RunLoop() == 7
    assert [event["who"] for event in heard] == ["Name", "Ok"]
    assert sorted(heard[1]) == ["modifiers", "sender", "what", "when", "who"]
    assert window.GetItems()["Ok"].Text == "Swap"


def test_b25_there_is_no_element_beyond_the_documented() -> None:
    ui = ResolveStandIn("studio-21.1").resolve.Fusion().UIManager
    assert ui.ProgressBar is None
    assert ui.Timer is None


def test_b25_another_thread_may_queue_events() -> None:
    ui = ResolveStandIn("studio-21.1").resolve.Fusion().UIManager
    label = ui.Label({"ID": "Progress"})
    ui.QueueEvent(label, "TextChanged", {"Text": "40 %"})
    assert ui.queued == [(label, "TextChanged", {"Text": "40 %"})]
