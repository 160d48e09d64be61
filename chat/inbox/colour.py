"""The shop's colour, and whether people can see it: contrast as WCAG 2 counts it."""

import re

from chat.inbox.problem import Problem

HEX = re.compile("#[0-9a-fA-F]{6}")
WHITE, BLACK = "#ffffff", "#000000"
# A launcher must be told from the page it floats on, be that light or dark; it has a shadow besides, so little will do.
SEEN, READABLE = 1.25, 4.5


def check(colour: str) -> None:
    """Raises Problem unless `colour` is #rrggbb and stands out from both a white and a black page."""
    if not HEX.fullmatch(colour):
        raise Problem("颜色请写成 #14665a 这样。", "Give the colour as #14665a.")
    for ground, zh, en in ((WHITE, "白", "white"), (BLACK, "黑", "black")):
        if contrast(colour, ground) < SEEN:
            raise Problem(
                f"这个颜色在{zh}色页面上看不清，请选深浅适中的颜色。",
                f"This colour cannot be seen on a {en} page. Choose one that is neither so light nor so dark.",
            )


def on(colour: str) -> str:
    """White where it reads well on the colour, else black; one of the two always does (at least 4.5 to 1)."""
    return WHITE if contrast(colour, WHITE) >= READABLE else BLACK


def contrast(one: str, other: str) -> float:
    """1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
