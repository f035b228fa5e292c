"""The networks of Wan-Animate. Every width comes from a row of configs.MODELS."""
