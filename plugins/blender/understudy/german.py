# SPDX-License-Identifier: GPL-3.0-or-later
"""Tooltips and sentences in German, by their English. Knows nothing of bpy."""

SENTENCES = {
    # ---- Refusals and what is said -----------------------------------------------------------------------
    "No character is chosen. Select an image strip too, or choose a picture.":
        "Keine Figur ist gewählt. Wähle auch einen Bild-Strip aus oder ein Bild.",
    "There is nothing to send. Press Correct Pose or Correct Matte first.":
        "Es gibt nichts zu senden. Drücke zuerst Pose korrigieren oder Matte korrigieren.",
    "No point was moved. Move one where it is wrong, then send.":
        "Kein Punkt wurde verschoben. Verschiebe einen, wo er falsch ist, dann sende.",
    "No mask is chosen. Select a mask strip with the clip, or choose a mask.":
        "Keine Maske ist gewählt. Wähle mit dem Clip einen Masken-Strip aus oder eine Maske.",
    "No movie strip is selected. Select the one that the mask belongs to.":
        "Kein Film-Strip ist ausgewählt. Wähle den aus, zu dem die Maske gehört.",
    "No movie strip lies under the playhead. Add one, or move the playhead to it.":
        "Unter dem Abspielkopf liegt kein Film-Strip. Lege einen an, oder bewege den Abspielkopf zu ihm.",
    "Blender has to render this strip first: its people are found when its job begins.":
        "Blender muss diesen Strip zuerst rendern: Seine Personen werden gesucht, wenn der Auftrag beginnt.",
    "It is not said which part is to be made again. Set a preview range over it (P in the timeline), or "
    "split the strip and select the part.":
        "Es ist nicht gesagt, welcher Teil neu gemacht werden soll. Lege einen Vorschaubereich darüber (P "
        "in der Zeitleiste), oder teile den Strip und wähle den Teil aus.",
    "No result is selected. Select the strip of a finished job.":
        "Kein Ergebnis ist ausgewählt. Wähle den Strip eines fertigen Auftrags aus.",
    "The preview range lies beside the strip. Set it over the frames that are to be made again.":
        "Der Vorschaubereich liegt neben dem Strip. Lege ihn über die Bilder, die neu gemacht werden sollen.",
    "No strip is selected. Select a movie strip, and with it a picture of the character.":
        "Kein Strip ist ausgewählt. Wähle einen Film-Strip aus und mit ihm ein Bild der Figur.",
    "The server finishes the running part and ends": "Der Server beendet den laufenden Teil und endet",
    "Cancelled": "Abgebrochen",
    # ---- Names -------------------------------------------------------------------------------------------
    "Use As": "Verwenden als",
    "Mask": "Maske",
    "Masks": "Masken",
    "Rig": "Rig",
    "Prompt": "Prompt",
    "Person": "Person",
    "Handles": "Überhang",
    "Server": "Server",
    "Armature": "Armatur",
    "This Machine": "Dieser Rechner",
    "Through a tunnel only: 127.0.0.1 and its port": "Nur durch einen Tunnel: 127.0.0.1 und sein Port",
    # ---- Buttons -----------------------------------------------------------------------------------------
    "Find the performer's joints in the selected clip, and open them in a window over the clip: move them "
    "where they are wrong, then press Send. Frames beside a corrected one follow by themselves":
        "Die Gelenke der Person im gewählten Clip suchen und in einem Fenster über dem Clip öffnen: "
        "verschieben, wo sie falsch sind, dann Senden drücken. Bilder neben einem korrigierten folgen von "
        "selbst",
    "Find the performer's matte in the selected clip, and put it above the clip as a strip of pictures. "
    "Paint over those that are wrong, in Blender or anywhere else, save them in place, then press Send":
        "Die Matte der Person im gewählten Clip suchen und als Strip aus Bildern über den Clip legen. "
        "Falsche übermalen, in Blender oder anderswo, an Ort und Stelle speichern, dann Senden drücken",
    "Open the picture of the matte under the playhead in a window of its own, to paint over: white is the "
    "person. The strip shows what is saved there (Alt S), and Send saves the rest":
        "Das Bild der Matte unter dem Abspielkopf in einem eigenen Fenster öffnen und übermalen: Weiß ist die "
        "Person. Der Strip zeigt, was dort gespeichert ist (Alt S); Senden speichert den Rest",
    "The playhead is not on the matte. Move it to a frame that is wrong.":
        "Der Abspielkopf steht nicht auf der Matte. Bewege ihn zu einem Bild, das falsch ist.",
    "Go to a frame that is wrong, press Paint, and then Send":
        "Geh zu einem Bild, das falsch ist, drücke Malen und dann Senden",
    "Tell the server what was moved or painted. The strip carries what comes of it, and its next job uses it":
        "Dem Server sagen, was verschoben oder gemalt wurde. Der Strip trägt, was daraus wird, und sein "
        "nächster Auftrag verwendet es",
    "Draw a mask over every frame that the selected strip shows, and use it in the strip's next job. A "
    "selected mask strip counts before the mask that is chosen here":
        "Eine Maske über jedes Bild zeichnen, das der gewählte Strip zeigt, und in seinem nächsten Auftrag "
        "verwenden. Ein ausgewählter Masken-Strip gilt vor der Maske, die hier gewählt ist",
    "White is the person who is replaced": "Weiß ist die Person, die ersetzt wird",
    "Nobody is replaced where it is white: what the matte catches there by mistake goes":
        "Wo sie weiß ist, wird niemand ersetzt: Was die Matte dort irrtümlich erfasst, fällt weg",
    "Where it is white the clip stays as it is, for what stands in front of the person":
        "Wo sie weiß ist, bleibt der Clip, wie er ist: für das, was vor der Person steht",
    "A mask that was drawn over the clip. A selected mask strip counts before it":
        "Eine Maske, die über den Clip gezeichnet wurde. Ein ausgewählter Masken-Strip gilt vor ihr",
    "Choose the character's picture: one person, well lit, best seen from head to foot":
        "Das Bild der Figur wählen: eine Person, gut beleuchtet, am besten von Kopf bis Fuß zu sehen",
    "Tell the selected strip where its movie is now": "Dem gewählten Strip sagen, wo sein Film jetzt liegt",
    "Select the topmost movie strip under the playhead, or the only one that there is":
        "Den obersten Film-Strip unter dem Abspielkopf auswählen, oder den einzigen, den es gibt",
    "Set the scene's frame rate to the selected clip's":
        "Die Bildrate der Szene auf die des gewählten Clips setzen",
    "Unlock the channels above the selected clip, and show those that are muted":
        "Die Kanäle über dem gewählten Clip entsperren und stumme wieder zeigen",
    "Open the preferences of this extension: server, program, folders":
        "Die Einstellungen dieser Erweiterung öffnen: Server, Programm, Ordner",
    "Stop this job and keep its finished frames; a job that has ended leaves the list":
        "Diesen Auftrag anhalten und seine fertigen Bilder behalten; ein beendeter verlässt die Liste",
    "Let this job stand still after its current step, so that others get the machine":
        "Diesen Auftrag nach seinem jetzigen Schritt ruhen lassen, damit andere den Rechner bekommen",
    "Let this job go on where it stands": "Diesen Auftrag weitermachen lassen, wo er steht",
    "Try this job again; the parts that it has made are kept":
        "Diesen Auftrag noch einmal versuchen; fertige Teile bleiben",
    "Look who is in the selected clip, so that you can choose. What is found is used by the job, which "
    "begins the sooner":
        "Nachsehen, wer im gewählten Clip ist, damit du wählen kannst. Der Auftrag verwendet, was gefunden "
        "wird, und beginnt umso früher",
    "Stop looking. What has been found stays for the next time":
        "Nicht weitersuchen. Was gefunden ist, bleibt für das nächste Mal",
    "The character follows this person; once more, and whoever takes up most of each shot. With Shift this "
    "one as well: somebody who is in several shots has a name in each":
        "Die Figur folgt dieser Person; noch einmal gedrückt, und sie folgt, wer in jeder Einstellung am "
        "meisten einnimmt. Mit Umschalt auch dieser: Wer in mehreren Einstellungen ist, hat in jeder einen "
        "Namen",
    "Make a part of the selected result again, as a new version: the preview range, or the part of a strip "
    "that was split. The frames on either side stay as they are, and the new ones join them":
        "Einen Teil des gewählten Ergebnisses als neue Fassung noch einmal machen: den Vorschaubereich oder "
        "den Teil eines geteilten Strips. Die Bilder zu beiden Seiten bleiben, und die neuen schließen an",
    "0 takes the next one after the earlier version's": "0 nimmt den nächsten nach dem der früheren Fassung",
    "A picture of the character": "Ein Bild der Figur",
    "In background mode, return when the job has ended":
        "Im Hintergrund erst zurückkehren, wenn der Auftrag beendet ist",
    "Start the Understudy server on this machine. It goes on when Blender is closed":
        "Den Understudy-Server auf diesem Rechner starten. Er läuft weiter, wenn Blender geschlossen wird",
    "Let the server finish the part it is making and end. Unfinished jobs go on at its next start":
        "Den Server seinen Teil beenden und aufhören lassen. Unfertige Aufträge gehen beim nächsten Start "
        "weiter",
    "Choose a LoRA of your own for the next jobs. They lie in models/loras of the server's data folder, as "
    ".safetensors files":
        "Ein eigenes LoRA für die nächsten Aufträge wählen. Sie liegen als .safetensors in models/loras im "
        "Datenordner des Servers",
    "Leave this LoRA out of the next jobs": "Dieses LoRA in den nächsten Aufträgen weglassen",
    "See whether the server answers": "Nachsehen, ob der Server antwortet",
    "Let an armature perform: its joints, seen through the scene's camera, become the keypoints of the "
    "selected movie or scene strip. With no strip selected, a movie of the skeleton is added for Animate to "
    "follow":
        "Eine Armatur spielen lassen: Ihre Gelenke, durch die Kamera der Szene gesehen, werden die Punkte "
        "des gewählten Film- oder Szenen-Strips. Ist keiner ausgewählt, kommt ein Film des Skeletts dazu, "
        "dem Animieren folgt",
    "The strip does not carry this any more: it is found in the clip again":
        "Der Strip trägt das nicht mehr: Es wird wieder im Clip gesucht",
    "Its name; empty: the one that is chosen in the panel, or the active one":
        "Ihr Name; leer: die im Panel gewählte oder die aktive",
    "Who performs; empty: the active armature, or the only one in the scene":
        "Wer spielt; leer: die aktive Armatur oder die einzige der Szene",
    # ---- Options -----------------------------------------------------------------------------------------
    "The quickest look: four steps where the model has learnt them, otherwise half of its own, and pictures "
    "no larger than 832 x 480 inside the model":
        "Der schnellste Blick: vier Schritte, wo das Modell sie gelernt hat, sonst halb so viele wie "
        "üblich, und innen höchstens 832 x 480",
    "The model's own steps and size: what it was made for":
        "Schritte und Größe des Modells selbst: wofür es gemacht ist",
    "Twice the model's own steps: twice the time, for a shot that is to stay":
        "Doppelt so viele Schritte: doppelte Zeit, für eine Einstellung, die bleiben soll",
    "How carefully each frame is made, and so how long it takes":
        "Wie sorgfältig jedes Bild gemacht wird, und damit, wie lange es dauert",
    "How far the character takes on the light of the clip. Lower it when the character's own colours should "
    "stay. Replace alone":
        "Wie weit die Figur das Licht des Clips annimmt. Weniger, wenn ihre eigenen Farben bleiben sollen. "
        "Nur Ersetzen",
    "What the picture shows, in words, for models that read them; empty: the model's own, which suits most "
    "shots. The clip and the picture say far more":
        "Was das Bild zeigt, in Worten, für Modelle, die sie lesen; leer: der eigene des Modells, der "
        "meistens passt. Clip und Bild sagen weit mehr",
    "Whom the character follows, by the names that Find People gives, such as A or A,C; empty: who takes up "
    "most of each shot":
        "Wem die Figur folgt, mit den Namen, die Personen suchen gibt, etwa A oder A,C; leer: wer in jeder "
        "Einstellung am meisten einnimmt",
    "How far the LoRA counts by which Preview makes four steps: less is nearer to the model's own look, "
    "and softer":
        "Wie weit das LoRA zählt, mit dem die Vorschau vier Schritte macht: Weniger ist dem Modell selbst "
        "näher, und weicher",
    "How far this LoRA bends the model: 1 is as it was trained, 0 leaves it out, below 0 turns it round":
        "Wie weit dieses LoRA das Modell verändert: 1 ist wie trainiert, 0 lässt es weg, unter 0 kehrt es um",
    "A folder that holds passes of the clip: keypoints.json, matte.mkv, face_boxes.json, …":
        "Ein Ordner mit Pässen des Clips: keypoints.json, matte.mkv, face_boxes.json, …",
    "White is the person to be replaced; empty: found in the clip":
        "Weiß ist die Person, die ersetzt wird; leer: im Clip gesucht",
    "Whole-body keypoints of the performer, as JSON; empty: found in the clip":
        "Punkte der ganzen Person, als JSON; leer: im Clip gesucht",
    "A drawn skeleton, as a movie; it is followed instead of keypoints":
        "Ein gezeichnetes Skelett, als Film; ihm wird statt Punkten gefolgt",
    "Where the face is in each frame, as JSON; empty: found in the clip":
        "Wo in jedem Bild das Gesicht ist, als JSON; leer: im Clip gesucht",
    "White is where nobody is replaced, whatever the matte says: it takes away what was caught by mistake. "
    "Replace alone":
        "Weiß ist, wo niemand ersetzt wird, was die Matte auch sagt: Es nimmt weg, was irrtümlich erfasst "
        "wurde. Nur Ersetzen",
    "White stays the clip's own picture, bit for bit: a glass or a post in front of the person. Replace "
    "alone":
        "Weiß bleibt das Bild des Clips, Bit für Bit: ein Glas oder ein Pfosten vor der Person. Nur Ersetzen",
    "The clip without the person, where you have one; Replace alone":
        "Der Clip ohne die Person, wenn es ihn gibt; nur Ersetzen",
    "How far the matte grows before the model fills it, in its own pixels: room for a character that is "
    "wider than the person. Replace alone":
        "Wie weit die Matte wächst, bevor das Modell sie füllt, in seinen Pixeln: Platz für eine Figur, die "
        "breiter ist als die Person. Nur Ersetzen",
    "How far it grows around hair and head; -1: as everywhere":
        "Wie weit sie um Haare und Kopf wächst; -1: wie überall",
    "How far it grows around clothes and limbs; -1: as everywhere":
        "Wie weit sie um Kleidung und Glieder wächst; -1: wie überall",
    "Width of the soft edge between character and clip, in pixels of the clip. Replace alone":
        "Breite des weichen Rands zwischen Figur und Clip, in Pixeln des Clips. Nur Ersetzen",
    "Denoising steps of each part, instead of what Quality says; 0 leaves it to Quality":
        "Entrauschungsschritte jedes Teils statt derer der Qualität; 0 überlässt es ihr",
    "Who takes this person's place. Left empty, this person stays as they are":
        "Wer an die Stelle dieser Person tritt. Leer bleibt sie, wie sie ist",
    "The character's picture. A selected image strip counts before it":
        "Das Bild der Figur. Ein ausgewählter Bild-Strip gilt vor ihm",
    "Frames made beyond both ends of the cut, as far as the clip goes: so that the cut can still be moved":
        "Bilder über beide Enden des Schnitts hinaus, soweit der Clip reicht: damit er noch verschoben "
        "werden kann",
    "Also put the character alone, over nothing, on a channel of its own. Replace alone":
        "Auch die Figur allein, vor nichts, auf einen eigenen Kanal legen. Nur Ersetzen",
    "Also put the matte that was used on a channel of its own":
        "Auch die verwendete Matte auf einen eigenen Kanal legen",
    "Also put the skeleton that was followed on a channel of its own":
        "Auch das Skelett, dem gefolgt wurde, auf einen eigenen Kanal legen",
    # ---- Preferences -------------------------------------------------------------------------------------
    "host:port of a server on another machine, to which clips and pictures are sent; empty: the server of "
    "this machine, which finds files where they lie":
        "host:port eines Servers auf einem anderen Rechner, dem Clips und Bilder geschickt werden; leer: "
        "der dieses Rechners, der Dateien findet, wo sie liegen",
    "What lets you in on that server: the token in its endpoint.json":
        "Was dich auf jenem Server einlässt: das token seiner endpoint.json",
    "Start the Understudy server when a job is begun and none runs":
        "Den Understudy-Server starten, wenn ein Auftrag beginnt und keiner läuft",
    "The understudy program, in whatever environment it is installed; empty: looked for on PATH":
        "Das Programm understudy, in welcher Umgebung es auch liegt; leer: im PATH gesucht",
    "Where the server keeps its data; empty: the usual folder of this user":
        "Wo der Server seine Daten hat; leer: der übliche Ordner dieses Benutzers",
    "Where finished frames are written; empty: a folder 'understudy' beside the .blend":
        "Wohin fertige Bilder kommen; leer: ein Ordner 'understudy' neben der .blend",
}  # fmt: skip
