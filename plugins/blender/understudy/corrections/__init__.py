# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server finds in a clip, put right in Blender: points moved over the clip, mattes painted over.

asking       the analysis: what it found, and what was put right; knows nothing of bpy
painted      pictures of a matte that somebody has changed since
pose_scene   points as empties in a scene of their own, before the clip
state        what is under way
operators    Correct Pose, Correct Matte, Send
"""
