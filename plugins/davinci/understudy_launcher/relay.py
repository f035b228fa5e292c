# SPDX-License-Identifier: Apache-2.0
"""Does on Resolve's objects what the companion asks through a pipe, a JSON object a line.

The other end is understudy_davinci/reach/relayed.py. Nothing listens on a port: the pipe is the companion's own.
Objects travel as numbers; 0 is ``resolve``. A dictionary travels as a list of pairs, because Resolve's have numbers as
keys too.
"""

import json


def serve(resolve, requests, answers):
    """Answers until the companion closes the pipe; whether it asked anything.

    Args:
        requests: a binary file, the companion's standard output.
        answers: a binary file, its standard input.
    """
    objects = Objects(resolve)
    asked = False
    for line in iter(requests.readline, b""):
        asked = True
        answer = objects.answer(json.loads(line.decode("utf-8")))
        try:
            answers.write(json.dumps(answer).encode("utf-8") + b"\n")
            answers.flush()
        except OSError:  # the companion has ended meanwhile
            break
    return asked


class Objects:
    """Resolve's objects, by the numbers that the companion knows them by."""

    def __init__(self, resolve):
        self._known = {0: resolve}
        self._next = 1

    def answer(self, request):
        """What *request* asks: "dir", "get" or "call". An error is told as its text."""
        for number in request.get("drop", ()):
            self._known.pop(number, None)
        try:
            return {"value": self._done(request)}
        except Exception as error:  # whatever it is, the companion tells it
            return {"error": "%s: %s" % (type(error).__name__, error)}

    def _done(self, request):
        thing = self._known[request["on"]]
        if request["do"] == "dir":
            return list(dir(thing))
        found = getattr(thing, request["name"], None)
        if request["do"] == "get":
            return {"callable": True} if callable(found) else {"plain": self.packed(found)}
        return self.packed(found(*[self.unpacked(each) for each in request["arguments"]]))

    def packed(self, value):
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (list, tuple)):
            return [self.packed(each) for each in value]
        if isinstance(value, dict):
            return {"pairs": [[self.packed(key), self.packed(each)] for key, each in value.items()]}
        number, self._next = self._next, self._next + 1
        self._known[number] = value
        return {"object": number}

    def unpacked(self, value):
        if isinstance(value, list):
            return [self.unpacked(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "object" in value:
            return self._known[value["object"]]
        return {self.unpacked(key): self.unpacked(each) for key, each in value["pairs"]}
