"""How sure a share is. Pure."""

import math

# Of the normal distribution, for 95 %.
Z = 1.959963984540054


def wilson(passed: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927); 0 to 1 where nothing was counted."""
    if not total:
        return 0.0, 1.0
    share = passed / total
    spread = Z * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2))
    middle, scale = share + Z**2 / (2 * total), 1 + Z**2 / total
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
