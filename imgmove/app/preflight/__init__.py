"""Everything that can be asked before a first side effect: what is wrong is found together, and said at once."""

from imgmove.app.preflight.step import Findings, Preflight, import_request, transfer_request

__all__ = ["Findings", "Preflight", "import_request", "transfer_request"]
