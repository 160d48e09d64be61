"""Where each object stands in a bundle's directory, by what it is called.

A name from a row never decides a path by itself: what could leave its folder, or is odd to a file system, is quoted.
"""

import hashlib
import re
import unicodedata

NAME_BYTES = 180
PLAIN = re.compile(r"[\w.-]", re.ASCII)
HEAD = "bundle.yaml"
# What each file of a bundle holds, by its path.
KINDS = {
    "prompt": re.compile(r"prompts/[^/]+/prompt\.yaml"),
    "version": re.compile(r"prompts/[^/]+/v[0-9]{1,9}\.yaml"),
    "example": re.compile(r"examples/(zh|en)/[^/]+\.yaml"),
    "sop": re.compile(r"sops/(zh|en)/[^/]+\.yaml"),
    "set": re.compile(r"sets/[^/]+/set\.yaml"),
    "case": re.compile(r"sets/[^/]+/cases\.jsonl"),
    "intent": re.compile(r"intents/[^/]+\.yaml"),
    "policy": re.compile(r"policies/[0-9]{1,9}\.yaml"),
}


def kind_of(path: str) -> str:
    """The kind of object in a file; empty for a file that is no part of a bundle."""
    return next((kind for kind, form in KINDS.items() if form.fullmatch(path)), "")


def quoted(name: str) -> str:
    """The name as one part of a path: letters of any script, digits, dash, underscore and inner dots stay."""
    pieces = []
    for place, character in enumerate(name):
        letter = character.isalnum() and unicodedata.normalize("NFC", character) == character
        first_dot = character == "." and place == 0
        if (letter or PLAIN.fullmatch(character)) and not first_dot:
            pieces.append(character)
        else:
            pieces.append("".join(f"%{byte:02X}" for byte in character.encode()))
    full = "".join(pieces)
    if len(full.encode()) <= NAME_BYTES:
        return full
    short = full.encode()[: NAME_BYTES - 20].decode(errors="ignore")
    return f"{short}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def prompt(purpose: str, language: str) -> str:
    return f"prompts/{quoted(purpose)}.{language}/prompt.yaml"


def version(purpose: str, language: str, number: int) -> str:
    return f"prompts/{quoted(purpose)}.{language}/v{number}.yaml"


def example(key: str, language: str) -> str:
    return f"examples/{language}/{quoted(key)}.yaml"


def sop(key: str, language: str) -> str:
    return f"sops/{language}/{quoted(key)}.yaml"


def eval_set(name: str) -> str:
    return f"sets/{quoted(name)}/set.yaml"


def cases(name: str) -> str:
    return f"sets/{quoted(name)}/cases.jsonl"


def intent(name: str) -> str:
    return f"intents/{quoted(name)}.yaml"


def policy(number: int) -> str:
    return f"policies/{number}.yaml"
