"""From footage and supplied passes to what the model reads: skeletons, faces, mattes, background.

`passes.open_passes` is the way in; the other modules are its tools, each usable alone. Works on numpy arrays
with cv2; knows nothing of torch, of the model's tensors, or of finding people in a picture.
"""
