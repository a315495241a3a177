"""The opaque tokens by which listings of version 2 are continued, at both stores."""

from __future__ import annotations

import base64


def token_of(marker: str) -> str:
    """The token that stands for a key or prefix."""
    return base64.urlsafe_b64encode(marker.encode()).decode()


def marker_of(token: str) -> str:
    """The key or prefix behind which to go on. Raises ValueError for what is no token."""
    return base64.b64decode(token, altchars=b"-_", validate=True).decode()
