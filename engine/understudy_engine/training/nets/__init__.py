"""The small nets: perception that ships (detector, pose, matte), and meters that measure results and do not.

Architectures, what they learn, how they are exported. They know the studio, and nothing of the engine that runs them.
"""
