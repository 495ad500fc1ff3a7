"""The only code that opens a connection which a user, an event or a receiver can influence."""

from deskbell.outbound.faults import ResolveFault
from deskbell.outbound.proxy import proxy_fault
from deskbell.outbound.resolver import AresResolver
from deskbell.outbound.sender import GuardedSender
from deskbell.outbound.tls import client_context

__all__ = ["AresResolver", "GuardedSender", "ResolveFault", "client_context", "proxy_fault"]
