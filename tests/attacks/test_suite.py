"""The list of attacks names what is there, and its table counts what failed."""

from xml.etree import ElementTree as ET

from tests.attacks.run import ROOT, by_class
from tests.attacks.suite import SUITE


def test_every_path_is_there() -> None:
    paths = [path for some in SUITE.values() for path in some]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert len(paths) == len(set(paths))


def test_an_attack_that_got_through_is_named() -> None:
    told = ET.fromstring(  # noqa: S314
        "<testsuites><testsuite>"
        '<testcase classname="tests.chat.test_auth" name="test_a"/>'
        '<testcase classname="tests.chat.test_auth" name="test_b"><failure/></testcase>'
        '<testcase classname="tests.chat.test_limits" name="test_c"><error/></testcase>'
        "</testsuite></testsuites>"
    )
    chosen = {
        "who": ("tests/chat/test_auth.py",),
        "how much": ("tests/chat/test_limits.py",),
        "none": ("tests/chat/test_images.py",),
    }
    assert by_class(told, chosen) == [
        {"class": "who", "tests": 2, "got_through": ["tests.chat.test_auth::test_b"]},
        {"class": "how much", "tests": 1, "got_through": ["tests.chat.test_limits::test_c"]},
        {"class": "none", "tests": 0, "got_through": []},
    ]
