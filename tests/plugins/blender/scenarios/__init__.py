"""What must hold inside Blender. scripts/test_blender.py runs each function that begins with ``scenario_`` in a
Blender of its own, with the extension installed from its zip and a real server running."""
