"""The one error of the embedded services."""


class EmbeddedError(Exception):
    """A service cannot be prepared, started or reached; the message is one line for the operator."""
