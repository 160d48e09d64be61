"""How long a request is, before any vendor has counted it."""

import json

from prompts.llm.types import Request

# Han characters and ASCII letters cost about this many tokens each (measured on three tokenizers).
TOKENS_PER_HAN, TOKENS_PER_ASCII = 0.75, 0.3


def estimate_tokens(request: Request) -> int:
    """A rough count of the request's tokens, tools and schemas included, rounded up."""
    parts = [line.text for line in request.lines]
    parts += [call.arguments for line in request.lines for call in line.tools]
    for tool in request.tools:
        parts += [tool.name, tool.description, json.dumps(tool.schema, ensure_ascii=False)]
    if request.json is not None:
        parts.append(json.dumps(request.json.schema, ensure_ascii=False))
    text = "".join(parts)
    ascii_chars = len(text.encode("ascii", "ignore"))  # a hundred times faster than to look at each
    return int((len(text) - ascii_chars) * TOKENS_PER_HAN + ascii_chars * TOKENS_PER_ASCII) + 1
