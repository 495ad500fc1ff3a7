"""How much a property tries: a little in every run, as much as one likes by `DESKBELL_TEST_EXAMPLES`."""

import os


def examples(usual: int) -> int:
    """How many examples; `usual` unless the environment says otherwise."""
    return int(os.environ.get("DESKBELL_TEST_EXAMPLES", usual))
