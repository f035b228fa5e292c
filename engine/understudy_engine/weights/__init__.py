"""Weights from files, or made up by rule, into the networks: by name, strictly."""
