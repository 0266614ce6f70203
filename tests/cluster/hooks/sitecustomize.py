"""Loaded by every Python of a test's jobs (PYTHONPATH): makes units slow, greedy or deadly.

Read from the environment:
    MICROSIM_TEST_SECONDS    a unit takes so many seconds longer
    MICROSIM_TEST_MEMORY     a unit takes so many MiB and holds them for ten seconds
    MICROSIM_TEST_DEADLY     the unit of this number kills its process, always
    MICROSIM_TEST_FLAG       ... or only if this file is not there yet
"""

import os
import re
import signal
import time
from pathlib import Path

_replace = os.replace


def replace(source, target, **more):
    """Rename a file; where it becomes a finished unit, do first what the test wants."""
    unit = re.search(r"/shards/\d{4}/(\d{7})-[0-9a-f]{16}\.bin$", os.fspath(target))
    if unit:
        if os.environ.get("MICROSIM_TEST_DEADLY") == str(int(unit[1])):
            flag = os.environ.get("MICROSIM_TEST_FLAG", "")
            if not flag or not Path(flag).exists():
                if flag:
                    Path(flag).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        mebibytes = int(os.environ.get("MICROSIM_TEST_MEMORY", "0"))
        if mebibytes:
            held = bytearray(b"\1") * (mebibytes * 2**20)
            time.sleep(10)
            del held
        time.sleep(float(os.environ.get("MICROSIM_TEST_SECONDS", "0")))
    return _replace(source, target, **more)


os.replace = replace
