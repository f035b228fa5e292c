"""understudy bench speed: how fast the 14B model is on this card, with random weights; torch and numpy alone."""
