"""The contracts' asserts are shown in full."""

import pytest

pytest.register_assert_rewrite(
    "imgmove.testing.compute_contract", "imgmove.testing.store_contract", "imgmove.testing.journal_contract"
)
