"""The quality table: test clips through the whole engine, with parts of the model switched off, beside the truth.

The figures themselves are in training/measure, which needs torch alone; here is what needs all of the engine.
"""
