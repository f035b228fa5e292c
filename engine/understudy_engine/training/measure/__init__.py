"""The yardstick: how near a result comes to the truth, part by part, with confidence intervals.

Knows pictures and truths, and nothing of how a result was made. Needs torch and numpy alone.
"""
