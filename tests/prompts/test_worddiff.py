"""Two texts side by side: joined pieces give the texts back, and only what differs is marked."""

from hypothesis import given
from hypothesis import strategies as st

from prompts import worddiff

TEXT = st.text(alphabet="你好退货款 ab\n,。", max_size=60)


@given(TEXT, TEXT)
def test_sides_give_the_texts_back(one: str, other: str) -> None:
    rows = worddiff.rows(one, other)

    # A line that is not there has no pieces; an empty one that changed has none either.
    assert joined(rows, "left") == [line for line in one.splitlines() if line]
    assert joined(rows, "right") == [line for line in other.splitlines() if line]


def joined(rows: list[worddiff.Row], side: str) -> list[str]:
    lines = ["".join(piece.text for piece in getattr(row, side)) for row in rows]
    return [line for line in lines if line]


def test_chinese_differs_by_words() -> None:
    [row] = worddiff.rows("退款三天内到账", "退款五天内到账")

    assert [piece.text for piece in row.left if piece.changed] == ["三天"]
    assert [piece.text for piece in row.right if piece.changed] == ["五天"]


def test_chinese_behind_a_digit_differs_by_words_as_well() -> None:
    [row] = worddiff.rows("支持7天无理由退货", "支持7天无理由换货")

    assert [piece.text for piece in row.left if piece.changed] == ["退货"]


def test_a_line_that_came_does_not_hide_what_changed_in_the_next() -> None:
    rows = worddiff.rows("退款三天内到账\n末行", "先核对订单\n退款五天内到账\n末行")

    assert [row.left == () for row in rows] == [True, False, False]
    assert [piece.text for piece in rows[1].right if piece.changed] == ["五天"]


def test_lines_that_came_or_went_stand_alone() -> None:
    rows = worddiff.rows("a\nb", "a\nb\nc")

    assert [row.changed for row in rows] == [False, False, True]
    assert rows[2].left == ()
