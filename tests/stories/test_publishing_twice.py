"""The same event offered more than once: stored once, answered each time."""

from running import running


async def test_one_id_twice_in_one_array(tmp_path):
    """The same id and content twice in an array is one event; with other content it is a conflict that says where."""
    async with running(tmp_path) as desk:
        item = {"type": "custom.a", "id": "a-1", "data": {"n": 1}}
        same = await desk.call("POST", "/events", [item, item])
        assert same.status == 202, same.body
        first, second = same.json["ids"]
        assert first == second
        again = await desk.call("POST", "/events", [item, item])
        assert again.json == same.json
        other = await desk.call("POST", "/events", [item | {"id": "a-2"}, item | {"id": "a-2", "data": {"n": 2}}])
        assert other.status == 409, other.body
        assert [one["pointer"] for one in other.json["errors"]] == ["/1/id"]
        alone = await desk.call("POST", "/events", [item | {"data": {"n": 3}}])
        assert [one["pointer"] for one in alone.json["errors"]] == ["/0/id"]
