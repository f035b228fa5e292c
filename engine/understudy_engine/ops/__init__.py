"""Small tensor operations. A fused kernel stands beside its plain twin, which is its oracle."""
