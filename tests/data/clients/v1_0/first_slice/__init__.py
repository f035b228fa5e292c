"""The API: its messages and services (v1), and the one client of it. Knows nothing of the engine or the server."""
