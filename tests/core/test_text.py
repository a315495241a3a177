"""Remote text does nothing to a terminal."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from imgmove.core.text import clean


def test_escape_sequences_and_bidi_overrides_are_replaced() -> None:
    assert "\x1b" not in clean("\x1b[2J\x1b]0;owned\x07web")
    assert "\u202e" not in clean("abc\u202egpj.exe")
    assert clean("two\nlines\tand\r\nmore") == "two lines and more"


def test_ordinary_text_stays() -> None:
    assert clean("镜像 web-1 [bold]ü[/bold]") == "镜像 web-1 [bold]ü[/bold]"


def test_long_text_is_cut() -> None:
    assert len(clean("x" * 5000)) == 2000


@given(st.text())
def test_nothing_harmful_is_left(text: str) -> None:
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for char in clean(text))
