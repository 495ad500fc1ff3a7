"""The desk: chats, tickets and people. Every change and its events are written in one unit."""

from deskbell.desk.chats import Chats
from deskbell.desk.dwell_rules import DwellRules
from deskbell.desk.links import link_for_chat, link_for_ticket
from deskbell.desk.people import People
from deskbell.desk.presence import OpenPage, Presence
from deskbell.desk.tickets import Tickets
from deskbell.desk.timers import DeskTimers

__all__ = [
    "Chats", "DeskTimers", "DwellRules", "OpenPage", "People", "Presence", "Tickets", "link_for_chat",
    "link_for_ticket",
]  # fmt: skip
