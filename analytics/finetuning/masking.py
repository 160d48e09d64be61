"""Personal data and secrets in what is about to leave: masked once more, or left out. Nothing goes out unexamined."""

import re
from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings

from analytics.finetuning.sample import Line, Sample
from prompts.bundle.masking import Masker, RedactionFailed, placeholders

# What keys of vendors and clouds, signed tokens and private keys look like.
SECRETS = re.compile(
    # Chinese characters are letters to \b: what is no letter of a key stands before it.
    r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{16}|LTAI[A-Za-z0-9]{12,}|gh[pousr]_[A-Za-z0-9]{30,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.)|-----BEGIN [A-Z ]*PRIVATE KEY"
)
SECRET_CHARS_LEAST = 8
# What is masked changes what stands beside it; the last pass finds nothing.
PASSES = 4


def masked(sample: Sample) -> Sample:
    """The sample with its personal data as placeholders, the same value the same one.

    Raises RedactionFailed: not examined to the end, or something was found in what was masked already.
    """
    masker = Masker(sample.language, set(placeholders([line.text for line in sample.lines])))
    lines = sample.lines
    for _ in range(PASSES):
        before, lines = lines, tuple(Line(each.role, masker.text(each.text)) for each in lines)
        if lines == before:
            return replace(sample, lines=lines)
    raise RedactionFailed("never clean")


def has_secret(texts: Iterable[str]) -> bool:
    """Whether something looks like a key, or is one of ours."""
    ours = [*settings.MODEL_API_KEYS.values(), *settings.TOOL_KEYS.values(), settings.SECRET_KEY]
    known = [value for value in ours if len(value) >= SECRET_CHARS_LEAST]
    return any(SECRETS.search(text) or any(key in text for key in known) for text in texts)


__all__ = ["RedactionFailed", "has_secret", "masked"]
