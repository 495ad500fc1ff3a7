"""Log lines, ours and those of libraries: JSON in ASCII, without secrets, full URLs and personal links."""

import json
import logging
import subprocess
import sys

import pytest

from deskbell.logs import LibraryLines, cleaned
from deskbell.rules.redaction import MASK, scrub_log

SECRET = "whsec_" + "c2VjcmV0" * 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"signed by {SECRET}", f"signed by {MASK}"),
        ("to https://a.example/hooks/T0/B0/abcdef failed", "to https://a.example/… failed"),
        ("to https://user:pw@a.example:8443/hooks/T0/abcdef.", "to https://a.example:8443/…"),
        ("GET /setup/AbCdEf0123456789 and /desk/client/0123456789ab", f"GET /setup/{MASK} and /desk/client/{MASK}"),
        ("see https://a.example/short", "see https://a.example/short"),
        ("card 4539578763621486", f"card {MASK}"),
        ("plain 1/2 words", "plain 1/2 words"),
    ],
)
def test_what_may_stand_in_a_line(text: str, told: str) -> None:
    """Secret patterns, URLs with more than a few characters behind the host, links that are credentials."""
    assert scrub_log(text) == told


def test_values_are_cleaned_however_deep() -> None:
    """Lists, mappings, and whatever else is told by its text."""
    value = {"a": [SECRET, {"b": (SECRET, 1, None, True)}], "e": ValueError(SECRET)}
    assert cleaned(value) == {"a": [MASK, {"b": [MASK, 1, None, True]}], "e": f"ValueError('{MASK}')"}


def test_lines_of_libraries() -> None:
    """One line of ASCII: line breaks, terminal codes and direction marks are escaped, exceptions without variables."""
    try:
        hidden = SECRET
        raise RuntimeError(f"broken \x1b[31m \u202e {hidden}")
    except RuntimeError:
        record = logging.LogRecord("lib", logging.ERROR, "f.py", 1, "a\nb %s", (SECRET,), sys.exc_info())
    line = LibraryLines().format(record)
    assert line.isascii()
    assert "\n" not in line
    assert "\x1b" not in line
    told = json.loads(line)
    assert (told["event"], told["level"], told["logger"]) == (f"a\nb {MASK}", "error", "lib")
    assert "RuntimeError: broken" in told["exception"]
    assert SECRET not in line


def test_a_process_writes_such_lines_only() -> None:
    """Through both ways of logging, as a process sets them up."""
    program = (
        "import logging, structlog\nfrom deskbell.logs import set_up_logs\nset_up_logs(verbose=True)\n"
        f"structlog.get_logger().info('x.y', text='a\\nb\\x1b[2J\\u202e', deep=[{SECRET!r}])\n"
        f"logging.getLogger('lib').warning('warned \\n %s', {SECRET!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    lines = done.stderr.decode("ascii").splitlines()
    assert [json.loads(one)["event"] for one in lines] == ["x.y", f"warned \n {MASK}"]
    assert SECRET not in done.stderr.decode()
