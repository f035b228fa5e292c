"""The engine in a process of its own: what is said to it, the process, and its keeper in the server's process."""
