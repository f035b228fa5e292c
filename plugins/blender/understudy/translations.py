# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the panel in other languages. English stands in the code; a further language is one more table."""

from __future__ import annotations

import bpy

from .german import SENTENCES

ANY, OPERATOR = "*", "Operator"  # where Blender looks: labels and tooltips, names of operators

GERMAN: dict[tuple[str, str], str] = {
    (OPERATOR, "Replace"): "Ersetzen",
    (OPERATOR, "Animate"): "Animieren",
    (OPERATOR, "Replace Character"): "Figur ersetzen",
    (OPERATOR, "Animate Character"): "Figur animieren",
    (OPERATOR, "Find People"): "Personen suchen",
    (OPERATOR, "Choose Person"): "Person wählen",
    (OPERATOR, "Choose Picture"): "Bild wählen",
    (OPERATOR, "Choose File"): "Datei wählen",
    (OPERATOR, "Choose Program"): "Programm wählen",
    (OPERATOR, "Select Clip"): "Clip auswählen",
    (OPERATOR, "Use the Clip's Rate"): "Bildrate des Clips übernehmen",
    (OPERATOR, "Unlock Channels"): "Kanäle entsperren",
    (OPERATOR, "Open Preferences"): "Einstellungen öffnen",
    (OPERATOR, "Start Server"): "Server starten",
    (OPERATOR, "Start"): "Starten",
    (OPERATOR, "Stop Server"): "Server beenden",
    (OPERATOR, "Go On"): "Weitermachen",
    (OPERATOR, "Try Again"): "Noch einmal",
    (OPERATOR, "About This Model"): "Über dieses Modell",
    (OPERATOR, "Add LoRA"): "LoRA hinzufügen",
    (OPERATOR, "Remove LoRA"): "LoRA weglassen",
    (OPERATOR, "Redo Part"): "Teil neu machen",
    (OPERATOR, "Drive by Rig"): "Durch Rig antreiben",
    (OPERATOR, "Use Mask"): "Maske verwenden",
    (OPERATOR, "Garbage"): "Müll",
    (OPERATOR, "Keep"): "Schutz",
    (OPERATOR, "Correct Pose"): "Pose korrigieren",
    (OPERATOR, "Correct Matte"): "Matte korrigieren",
    (OPERATOR, "Paint"): "Malen",
    (OPERATOR, "Send"): "Senden",
    (OPERATOR, "Take Off"): "Abnehmen",
    (ANY, "{0}: {1} frames"): "{0}: {1} Bilder",
    (
        ANY,
        "Move joints where they are wrong. Each move is kept by itself.",
    ): "Gelenke verschieben, wo sie falsch sind. Jede Verschiebung wird von selbst behalten.",
    (ANY, "Hands"): "Hände",
    (ANY, "Face"): "Gesicht",
    (ANY, "{0} reads no prompt"): "{0} liest keinen Prompt",
    (ANY, "Jobs"): "Aufträge",
    (ANY, "Result"): "Ergebnis",
    (ANY, "Corrections"): "Korrekturen",
    (ANY, "Garbage Mask"): "Müllmaske",
    (ANY, "Keep Mask"): "Schutzmaske",
    (ANY, "Advanced"): "Erweitert",
    (ANY, "Passes"): "Pässe",
    (ANY, "More Characters"): "Weitere Figuren",
    (ANY, "Character"): "Figur",
    (ANY, "Selected Strip"): "Ausgewählter Strip",
    (ANY, "No Clip"): "Kein Clip",
    (ANY, "{0} frames, {1} fps"): "{0} Bilder, {1} B/s",
    (ANY, "Replace these people too, by:"): "Auch diese Personen ersetzen durch:",
    (ANY, "One person is in the clip"): "Im Clip ist eine Person",
    (ANY, "asking the server"): "fragt den Server",
    (ANY, "Asking what it needs"): "Fragt, was es braucht",
    (ANY, "Blender renders this strip first"): "Blender rendert diesen Strip zuerst",
    (ANY, "{0} of {1} free"): "{0} von {1} frei",
    (ANY, "{0} of disk, {1} free"): "{0} Platte, {1} frei",
    (ANY, "{0} parts"): "{0} Teile",
    (ANY, "1 part"): "1 Teil",
    (ANY, "{0} ahead"): "{0} davor",
    (ANY, "Quality"): "Qualität",
    (ANY, "Preview"): "Vorschau",
    (ANY, "Standard"): "Standard",
    (ANY, "Best"): "Beste",
    (ANY, "Light"): "Licht",
    (ANY, "Seed"): "Startwert",
    (ANY, "Grow"): "Wachsen",
    (ANY, "Hair"): "Haare",
    (ANY, "Clothes"): "Kleidung",
    (ANY, "Soft Edge"): "Weicher Rand",
    (ANY, "Steps"): "Schritte",
    (ANY, "Four-Step Strength"): "Vier-Schritte-Stärke",
    (ANY, "Strength"): "Stärke",
    (ANY, "Also Add"): "Auch einfügen",
    (ANY, "Character with Alpha"): "Figur mit Alpha",
    (ANY, "Matte"): "Matte",
    (ANY, "Skeleton"): "Skelett",
    (ANY, "Keypoints"): "Punkte",
    (ANY, "Face Boxes"): "Gesichtsrahmen",
    (ANY, "Clean Plate"): "Leere Szene",
    (ANY, "Folder"): "Ordner",
    (ANY, "{0} on {1}, {2}"): "{0} auf {1}, {2}",
    (ANY, "{0}, {1}"): "{0}, {1}",
    (ANY, "waiting for the server"): "wartet auf den Server",
    (ANY, "busy"): "beschäftigt",
    (ANY, "idle"): "frei",
    (ANY, "{0} waiting"): "{0} wartend",
    (ANY, "Looking for the server"): "Sucht den Server",
    (ANY, "The server is starting"): "Der Server startet",
    (ANY, "The server finishes its part"): "Der Server beendet seinen Teil",
    (ANY, "No server runs"): "Es läuft kein Server",
    (ANY, "The server cannot be used"): "Der Server ist nicht zu gebrauchen",
    (ANY, "Nobody has asked yet"): "Noch hat niemand gefragt",
    (
        ANY,
        "Add a movie strip to the sequencer to begin.",
    ): "Zum Beginnen einen Film-Strip in den Sequencer legen.",
    (ANY, "Start Server"): "Server starten",
    (ANY, "Program"): "Programm",
    (ANY, "Data Folder"): "Datenordner",
    (ANY, "Frames"): "Bilder",
    (ANY, "Another Machine"): "Anderer Rechner",
    (ANY, "Token"): "Schlüssel",
    (
        ANY,
        "The character takes the place of the person in the selected clip, under the clip's light; "
        "everything outside the person stays as it is",
    ): "Die Figur tritt an die Stelle der Person im gewählten Clip, in dessen Licht; alles außerhalb der Person "
    "bleibt, wie es ist",
    (
        ANY,
        "The character's picture comes alive with the motion and expression of the person in the selected clip, "
        "on the picture's own background",
    ): "Das Bild der Figur bekommt Bewegung und Ausdruck der Person im gewählten Clip, auf seinem eigenen Hintergrund",
    (
        ANY,
        "Another seed is another take of the same shot; the same seed makes the same pictures",
    ): "Ein anderer Startwert ist eine andere Fassung derselben Einstellung; der gleiche macht die gleichen Bilder",
}


def words(text: str, *values: object) -> str:
    """*text* in the artist's language, with *values* in its places {0}, {1} …"""
    found = bpy.app.translations.pgettext_iface(text)
    return found.format(*values) if values else found


def register() -> None:
    german = next((name for name in bpy.app.translations.locales if name.startswith("de")), "de_DE")
    sentences = {(ANY, english): words for english, words in SENTENCES.items()}
    bpy.app.translations.register(__package__, {german: GERMAN | sentences})


def unregister() -> None:
    bpy.app.translations.unregister(__package__)
