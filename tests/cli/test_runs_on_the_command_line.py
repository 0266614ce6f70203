"""What the commands of a run refuse, and what they tell to type next."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import pytest

from microsim.cli.main import main
from microsim.cli.places import place_of
from microsim.errors import InputError
from microsim.execution.place import check_place


def command(capsys, *arguments: object) -> tuple[int, str]:
    """Run the command line; return its exit code and what it printed."""
    with pytest.raises(SystemExit) as caught:
        main([str(one) for one in arguments])
    printed = capsys.readouterr()
    return int(caught.value.code or 0), printed.out + printed.err


@pytest.mark.parametrize("name", ["file", "file/below", "/proc/nothing/run"])
def test_run__refuses_a_directory_that_cannot_be_made(coresia, tmp_path, capsys, name):
    (tmp_path / "file").touch()
    words = ("--population", coresia.population, "--out", tmp_path / name)
    code, text = command(capsys, "run", coresia.scenario, *words)
    assert code == 2
    assert "cannot be made; found" in text


def test_plan__tells_to_run_what_it_planned(coresia, tmp_path, capsys):
    asked = ("--population", coresia.population, "--shard-persons", 500, "--seed", 7)
    setting = "transfers.child_grant=9"
    code, text = command(
        capsys, "plan", coresia.scenario, *asked, "--set", setting, "--out", tmp_path / "my run"
    )
    assert code == 0
    words = shlex.split(text.partition("Next: microsim ")[2].splitlines()[0])
    code, text = command(capsys, *words, "--workers", 1)
    assert code == 0, text
    stored = json.loads((tmp_path / "my run" / "question.json").read_text())
    assert (stored["seed"], stored["settings"]) == (7, [setting])


def test_plan__says_units_time_memory_disk_and_what_it_assumes(coresia, capsys):
    words = ("--population", coresia.population, "--shard-persons", 500)
    code, text = command(capsys, "plan", coresia.scenario, *words)
    assert code == 0
    assert re.search(r"units +3 = 3 shards", text)
    for part in ("prepare", "merge", "memory", "disk", "wall time", "Measured on this machine"):
        assert part in text
    assert "For another machine it is assumed" in text
    code, text = command(capsys, "plan", coresia.scenario, *words, "--json", "--replicates", 2)
    found = json.loads(text[text.index("{") :])
    assert (found["units"], found["shards"], found["worlds"]) == (6, 3, 2)
    assert found["worker_memory"] > 50e6
    assert found["unit_seconds"] > 0


KEYS = ("/nope.pem", None, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "serial", "address": "tls://x:1"}, "--address: is for the dask backend"),
        ({"backend": "serial", "tls": KEYS}, "--tls-ca: is for an address with TLS"),
        ({"address": "tcp://127.0.0.1:1", "backend": "dask", "tls": KEYS}, "--tls-ca: is for"),
        ({"backend": "processes", "insecure": True}, "--insecure: is for an address without TLS"),
        ({"backend": "mpi", "workers": 7}, "--workers: the number of workers is mpiexec's"),
        ({"backend": "", "address": "tcp://127.0.0.1:1", "workers": 2}, "is the scheduler's"),
    ],
)  # fmt: skip
def test_options_without_effect__are_refused(options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        check_place(place_of(**{"workers": None, **options}))


def test_an_address__means_dask():
    assert place_of("", None, "tcp://127.0.0.1:1").backend == "dask"
    assert place_of("", None).backend == "serial"


@pytest.mark.parametrize(
    "content", ["{}", "[]", "null", "3", '{"reforms": 1}', '{"markets": "ab"}']
)
@pytest.mark.parametrize("name", ["question.json", "plan/00000.json", "cut.json", "frame.json"])
def test_a_file_of_another_shape__is_named_as_damaged(reference, tmp_path, capsys, name, content):
    run = tmp_path / "run"
    shutil.copytree(reference.out, run)
    (run / name).write_text(content)
    for verb in ("status", "verify", "resume"):
        code, text = command(capsys, verb, run)
        assert code == 2, text
        assert re.search(f"{re.escape(name)}: a file of the run is damaged", text.replace("\n", ""))
