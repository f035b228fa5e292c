# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server finds in a clip, put right in Blender: points moved over the clip, mattes painted over.

`asking` talks with the server's analysis, and `painted` tells pictures that somebody has changed; they know nothing of
bpy. `pose_scene` holds points as empties over the clip; `matte_strip` holds a matte as pictures above the clip, and
`painting` opens one to paint over; `window` shows both. `operators` are the buttons of both and Send, and `state`
is what is under way between them.
"""
