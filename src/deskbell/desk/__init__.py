"""The desk: chats, tickets and people. Every change and its events are written in one unit."""

from deskbell.desk.chats import Chats
from deskbell.desk.links import link_for_chat, link_for_ticket
from deskbell.desk.people import People
from deskbell.desk.tickets import Tickets

__all__ = ["Chats", "People", "Tickets", "link_for_chat", "link_for_ticket"]
