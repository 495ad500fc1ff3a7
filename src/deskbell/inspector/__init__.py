"""The inspector: bins that capture requests and answer as scripted, with reports on signature and schema."""

from deskbell.inspector.bins import Inspector
from deskbell.inspector.receive import Answer
from deskbell.inspector.scripts import SCRIPTS, script_name

__all__ = ["SCRIPTS", "Answer", "Inspector", "script_name"]
