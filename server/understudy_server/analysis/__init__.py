"""Analyses on the server: their queue, what artists put right in them, and what is told of them."""
