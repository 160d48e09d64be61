"""Trains the classifier of intents and moods from examples, and says honestly how good it is.

Called by the training task and by `manage.py evaluate_nlu`. Everything chosen (strength, temperature, threshold) is
chosen by cross-validation on the examples given; the report's figures are of rows a model had not seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prompts.nlu.features import Features, features
from prompts.nlu.normalise import normalise
from prompts.nlu.report import Report
from prompts.nlu.weights import Weights

EXAMPLES_AT_LEAST, INTENTS_AT_LEAST = 4, 2
READ_AT_ONCE = 500

Progress = Callable[[str, int, int], None]
"""Called with what is being done, the steps done and all steps."""


class TooFewExamples(ValueError):
    """There are not two intents with examples to learn from."""


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    intent: str
    emotion: str = "neutral"
    language: str = "zh"
    prev: str = ""
    """The agent's line before."""
    also: tuple[str, ...] = ()
    """Further intents of the same message."""


def silent(_what: str, _done: int, _steps: int) -> None:
    """Progress that nobody watches."""


def train(
    examples: Sequence[Example], *, progress: Progress = silent, unknown: str = ""
) -> tuple[Weights, Report]:
    """Weights and a report. `unknown` is the label of examples that belong to no intent, where there are such.

    The same examples give the same weights. Raises TooFewExamples.
    """
    names = {example.intent for example in examples} - {unknown}
    if len(examples) < EXAMPLES_AT_LEAST or len(names) < INTENTS_AT_LEAST:
        raise TooFewExamples(f"{len(examples)} examples of {len(names)} intents")
    found = read(examples, progress=progress)
    # scikit-learn takes seconds to load, and only training needs it.
    from prompts.nlu import learning  # noqa: PLC0415

    return learning.learn(examples, found, progress=progress, unknown=unknown)


def read(examples: Sequence[Example], *, progress: Progress) -> list[Features]:
    found = []
    for number, example in enumerate(examples):
        if number % READ_AT_ONCE == 0:
            progress("reading examples", number, len(examples))
        found.append(features(normalise(example.text)))
    return found
