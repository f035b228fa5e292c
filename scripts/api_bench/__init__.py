"""Figures of the API under load and under attack, each measured on a server of its own process."""
