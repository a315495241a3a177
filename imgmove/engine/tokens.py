"""The token of a submit: ours, written down before it is sent, and by which its task is found again."""

from __future__ import annotations

import random
from typing import Final

#: No i, l, o, u: what is read aloud or typed from a screen is not mistaken (Crockford's base 32, in lower case).
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 12


def new_token(chance: random.Random) -> str:
    """`im` and twelve characters (60 bits).

    Letters and digits only, short: it has to pass as ECS client token, as ECS `OSSPrefix` (1 to 30 letters and
    digits, alibaba.md 2.1), and inside an image's name.
    """
    return "im" + "".join(_ALPHABET[chance.getrandbits(5)] for _ in range(_LENGTH))
