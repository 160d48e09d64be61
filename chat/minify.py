"""Shortens scripts and styles: `python -m chat.minify`, JSON {name: text} on standard input and output.

A process of its own, because the library brings a runtime that should not live in a web server.
"""

import json
import sys

import minify

TYPES = {"js": "application/javascript", "css": "text/css"}


def main() -> None:
    texts = json.load(sys.stdin)
    short = {
        name: minify.string(TYPES[name.rpartition(".")[2]], text) for name, text in texts.items()
    }
    json.dump(short, sys.stdout)


if __name__ == "__main__":
    main()
