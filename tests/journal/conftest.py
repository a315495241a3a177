"""The contract's asserts are shown in full."""

import pytest

pytest.register_assert_rewrite("imgmove.testing.journal_contract")
