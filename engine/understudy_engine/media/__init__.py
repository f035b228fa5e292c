"""Clips, pictures and sound: read exactly, written losslessly (PyAV; knows nothing of models)."""
