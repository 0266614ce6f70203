"""Deaths are told from the events: a unit begun and never ended, unless its worker is at it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from listening import Collected

from microsim.execution.attempts import TAIL, Deaths, deaths_of
from microsim.execution.backend import run_job
from microsim.execution.events import EventFile, born, born_of, read_events
from microsim.execution.jobs import Job
from microsim.execution.place import Place

START = {"event": "start", "host": "elsewhere", "pid": 7, "born": 1}


def begin(unit: int, alone: bool = False) -> dict:
    return {"event": "begin", "unit": unit, "alone": alone, "time": time.time()}


def end(kind: str, unit: int) -> dict:
    return {"event": kind, "unit": unit}


def write(folder: Path, name: str, *events: dict) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def test_deaths_of__counts_units_begun_and_never_ended(tmp_path):
    write(tmp_path, "a", START, begin(1), end("done", 1), begin(2))
    write(tmp_path, "b", START, begin(2, True))
    write(tmp_path, "c", START, begin(2), START, begin(3), end("raised", 3), begin(4))
    write(tmp_path, "d", START, begin(5), end("released", 5), {"event": "end"})
    assert deaths_of(tmp_path) == {2: Deaths(beside=2, alone=1), 4: Deaths(beside=1)}


def test_deaths_of__an_absent_folder_are_none(tmp_path):
    assert deaths_of(tmp_path / "events") == {}


def test_deaths_of__reads_the_ends_of_long_files(tmp_path):
    long = [event for unit in range(3000) for event in (begin(unit), end("done", unit))]
    path = write(tmp_path, "a", START, *long, begin(4000, True))
    assert path.stat().st_size > 4 * TAIL
    assert deaths_of(tmp_path) == {4000: Deaths(alone=1)}
    assert len(list(read_events(path))) == 6002


def test_torn_lines__do_no_harm(tmp_path):
    path = write(tmp_path, "a", START, begin(1), end("done", 1), begin(2))
    path.write_bytes(path.read_bytes() + b'{"event":"do\n\xff\xfe[1]\n3\n{"event": 5}\n{"eve')
    assert deaths_of(tmp_path) == {2: Deaths(beside=1)}


def test_a_worker_that_is_at_it__has_not_died(tmp_path):
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        mine = {"event": "start", "host": socket.gethostname(), "pid": sleeper.pid}
        write(tmp_path, "a", {**mine, "born": born_of(sleeper.pid)}, begin(1))
        write(tmp_path, "b", {**mine, "born": 1}, begin(2))  # an older process of the same number
        assert deaths_of(tmp_path) == {2: Deaths(beside=1)}
    finally:
        sleeper.kill()
        sleeper.wait()
    assert deaths_of(tmp_path) == {1: Deaths(beside=1), 2: Deaths(beside=1)}


def test_events__tell_what_a_worker_did(tmp_path):
    setup = {"folder": str(tmp_path), "events": str(tmp_path / "events")}
    units = [{"unit": 4}, {"unit": 5, "do": "raise"}]
    run_job(Job("jobs:scripted", setup, units), Place(), Collected())
    (path,) = (tmp_path / "events").iterdir()
    assert path.name == f"{socket.gethostname()}.{os.getpid()}.jsonl"
    events = list(read_events(path))
    assert [event["event"] for event in events] == [
        "start", "begin", "done", "begin", "raised", "end",
    ]  # fmt: skip
    assert events[0]["born"] == born() > 0
    assert events[1]["alone"] is True
    assert events[2]["unit"] == 4
    assert events[2]["peak_memory"] > 0
    assert "an error of the program" in events[4]["text"]
    assert deaths_of(tmp_path / "events") == {}


def test_a_process_with_the_number_of_an_earlier_one__writes_a_file_of_its_own(tmp_path):
    name = f"{socket.gethostname()}.{os.getpid()}"
    (tmp_path / "events").mkdir()
    write(tmp_path / "events", name, {**START, "host": "other"}, begin(3))
    setup = {"folder": str(tmp_path), "events": str(tmp_path / "events")}
    for unit in (4, 5):
        run_job(Job("jobs:scripted", setup, [{"unit": unit}]), Place(), Collected())
    files = sorted(path.name for path in (tmp_path / "events").iterdir())
    assert files == [f"{name}.jsonl", f"{socket.gethostname()}~1.{os.getpid()}.jsonl"]
    assert deaths_of(tmp_path / "events") == {3: Deaths(beside=1)}


def test_events_that_cannot_be_written__do_not_harm_the_unit(tmp_path):
    (tmp_path / "events").write_text("a file is in the way")
    setup = {"folder": str(tmp_path), "events": str(tmp_path / "events")}
    heard = Collected()
    run_job(Job("jobs:scripted", setup, [{"unit": 4}]), Place(), heard)
    assert "no events are written" in heard.receipts[0]["problem"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk__spoils_lines_but_no_unit(tmp_path, monkeypatch):
    events = EventFile(str(tmp_path))
    full = os.open("/dev/full", os.O_WRONLY)
    kept, events._descriptor = events._descriptor, full
    events.write("begin", unit=1)
    assert "No space left on device" in events.problem
    events._descriptor = kept
    os.close(full)
    events.write("begin", unit=2)
    assert events.problem == ""
    events.close()
    (path,) = tmp_path.iterdir()
    assert [event.get("unit") for event in read_events(path)] == [2, None]
