"""The lists that a new site's tickets start with."""

from deskbell.model.ids import SiteId
from deskbell.model.ticket import Choice, Status, TicketLists

_STATUSES = (
    Status(id=1, name="New"),
    Status(id=2, name="In Progress"),
    Status(id=3, name="Waiting"),
    Status(id=4, name="Approval Required", is_approval_required=True),
    Status(id=5, name="Approved"),
    Status(id=6, name="Declined"),
    Status(id=7, name="Closed", is_closed=True),
)
_PRIORITIES = (
    Choice(id=1, name="Normal"),
    Choice(id=2, name="Low"),
    Choice(id=3, name="High"),
    Choice(id=4, name="Urgent"),
)
_QUEUES = (Choice(id=1, name="Service Desk"),)


def fresh_lists(site: SiteId) -> TicketLists:
    """Statuses, priorities and queues of a fresh site; the first of each is the default."""
    return TicketLists(site=site, statuses=_STATUSES, priorities=_PRIORITIES, queues=_QUEUES)
