"""From noise to a segment: schedules, solvers, conditioning, and how a clip is cut into segments."""
