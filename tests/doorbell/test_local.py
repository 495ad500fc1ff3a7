"""The doorbell within one process."""

from deskbell.doorbell import LocalDoorbell


def test_each_listener_of_a_bell_hears_it_in_order() -> None:
    """Only the listeners of that bell are called, at once, with the detail."""
    bell, heard = LocalDoorbell(), list[object]()
    bell.listen("event", lambda detail: heard.append(("first", detail)))
    bell.listen("event", lambda detail: heard.append(("second", detail)))
    bell.listen("other", lambda detail: heard.append(("other", detail)))
    bell.ring("event", 7)
    assert heard == [("first", 7), ("second", 7)]


def test_listener_that_raises_harms_nobody() -> None:
    """Ringing never raises, and the listeners after the broken one are called."""
    bell, heard = LocalDoorbell(), list[object]()

    def broken(_: object) -> None:
        raise RuntimeError("broken")

    bell.listen("event", broken)
    bell.listen("event", heard.append)
    bell.ring("event", 1)
    assert heard == [1]


def test_who_stops_hears_no_more() -> None:
    """Stopping works twice, within a ring, and for the same function listening twice."""
    bell, heard = LocalDoorbell(), list[object]()
    stop_first = bell.listen("event", heard.append)
    stop_second = bell.listen("event", heard.append)
    stop_inside = bell.listen("event", lambda _: stop_inside())
    bell.ring("event", 1)
    stop_first()
    stop_first()
    bell.ring("event", 2)
    stop_second()
    bell.ring("event", 3)
    bell.ring("nobody")
    assert heard == [1, 1, 2]
