"""Everything that can be asked before a first side effect: what is wrong is found together, and said at once."""

from imgmove.app.preflight.beforehand import Beforehand
from imgmove.app.preflight.catalogue import is_noted
from imgmove.app.preflight.planned import import_request, transfer_request
from imgmove.app.preflight.report import DoctorReport
from imgmove.app.preflight.step import Preflight, said

__all__ = ["Beforehand", "DoctorReport", "Preflight", "import_request", "is_noted", "said", "transfer_request"]
