# SPDX-License-Identifier: GPL-3.0-or-later
"""Drive by a rig: an armature, seen through the scene's camera, becomes the performer's whole-body keypoints.

points, bone_names, bone_maps, face_lines, anchors   which bone carries which point; know nothing of bpy
keypoint_file, drawing                               what is written; know nothing of bpy
camera, occlusion, sampling                          the armature frame by frame
operators                                            Drive by Rig
"""
