"""Contents of the worked social budget, and builders for random ones."""

from __future__ import annotations

import pytest
from budget_contents import mini_social_budget


@pytest.fixture
def mini():
    """Return the contents of the mini social budget."""
    return mini_social_budget()
