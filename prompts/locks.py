"""The numbers of the database's advisory locks, in one place so that no two things wait for each other by accident."""

from enum import IntEnum


class Lock(IntEnum):
    COUNTING_QUALITIES = 7_305_001
    TRAINING = 7_305_002
    STARTING_CANARIES = 7_305_003
    NUMBERING_POLICIES = 7_305_004
    IMPORTING_SOPS = 7_305_005
    LOOKING_FOR_CLASHES = 7_305_006
    MOVING_RELEASES = 7_305_007
    FREEZING_SOPS = 7_305_020
    FREEZING_EXAMPLES = 7_305_024
    IMPORTING_BUNDLE = 7_305_021
    FILLING_ANALYTICS = 7_305_008
    KEEPING_GAPS = 7_305_022
    STARTING_COMPARISONS = 7_305_031
    GIVING_OUT = 7_305_023
    # With an inbox behind it.
    TELLING_PLACES = 7_305_032
