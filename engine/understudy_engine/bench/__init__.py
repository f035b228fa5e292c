"""Tables of quality, and of passes: through the whole engine, with parts of it switched off, beside the truth.

The figures of quality are in training/measure, which needs torch alone; here is what needs all of the engine.
"""
