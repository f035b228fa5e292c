"""What the tests of the Blender extension share: footage, an engine that can be checked, the extension without bpy."""
