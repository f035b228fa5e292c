"""From footage and supplied passes to what the model reads: skeletons, faces, mattes, background.

`passes.open_passes` is the way in; the other modules are its tools, each usable alone. Works on numpy arrays
with cv2, and with onnxruntime where people are found; knows nothing of torch or of the model's tensors.
"""
