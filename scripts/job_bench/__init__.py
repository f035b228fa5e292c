"""Real jobs of the 14B model through the real server, on a card or, made tiny, on a CPU."""
