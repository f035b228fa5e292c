"""The API's services: each method checks its request, asks the right part of the server, and answers."""
