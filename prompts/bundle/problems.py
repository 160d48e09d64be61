"""What can be wrong with a bundle, always with its place."""

from dataclasses import dataclass

from prompts.yaml_marks import Mark


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place; shown as compilers do, so that editors jump there."""

    path: str
    mark: Mark
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.mark.line}:{self.mark.column}: {self.message}"


class BundleError(Exception):
    """The directory cannot be read or written as a whole; nothing of it was."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def whole(path: str, message: str) -> BundleError:
    """An error that concerns a whole file."""
    return BundleError(Problem(path, Mark(1, 1), message))
