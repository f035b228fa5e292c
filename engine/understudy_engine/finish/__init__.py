"""From generated pixels to a finished layer in the plate's own pixel format."""
