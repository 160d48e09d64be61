"""What is wrong with a value that staff gave, in the two languages they read."""


class Problem(ValueError):
    """A value of an inbox cannot be taken; says so in Chinese and in English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en
