"""Site files: every fault at once, with its line; nothing but the prologue is shell."""

from __future__ import annotations

import json

import jsonschema
import pytest
from ruamel.yaml import YAML

from microsim.errors import InputError
from microsim.execution import dask_site
from microsim.execution.site import KEYS, Site, load_site, seconds_of
from microsim.shipped import folder

SITES = sorted((folder("cluster") / "sites").glob("*.yaml"))
SCHEMA = folder("cluster") / "schemas" / "site.json"


def read(tmp_path, text):
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return load_site(path)


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.name)
def test_shipped_sites__are_taken(path):
    site = load_site(path)
    assert site.scheduler in ("slurm", "pbs", "lsf")
    assert site.signal_seconds < site.time


def test_site__reads_every_key(tmp_path):
    site = read(
        tmp_path,
        "scheduler: slurm\npartition: a\naccount: b\nqos: c\nelements: 7\nthrottle: 3\n"
        "time: 1-02:03:04\nprepare_time: 00:30:00\nfinish_time: 00:40:00\nmemory: 3GiB\n"
        "prepare_memory: 900M\nfinish_memory: 1TB\ncpus: 4\nsignal_seconds: 120\nrequeue: 5\n"
        "resubmit: 1\nextra_directives: [--exclusive]\nprologue: [module load gcc]\n"
        "environment: {A: x y, B: 1}\npython: /opt/python\nscratch: /scratch\n",
    )
    assert site == Site(
        str(tmp_path / "site.yaml"), "slurm", "a", "b", "c", 7, 3, 93784, 1800, 2400, 3072, 900,
        1048576, 4, 120, 5, 1, ("--exclusive",), ("module load gcc",), (("A", "x y"), ("B", "1")),
        "/opt/python", "/scratch",
    )  # fmt: skip


def test_site__takes_what_is_left_out_from_the_element(tmp_path):
    site = read(tmp_path, "scheduler: slurm\ntime: 00:02:00\nmemory: 1GiB\n")
    assert (site.prepare_time, site.finish_time, site.signal_seconds) == (120, 120, 60)
    assert (site.prepare_memory, site.finish_memory) == (1024, 1024)


FAULTS = [
    ("", "the file is not a mapping"),
    ("elements: 3", r"site.yaml:1: the site has no 'scheduler'"),
    ("scheduler: slrum", r"found slrum; expected one of slurm, pbs, lsf. Did you mean 'slurm'\?"),
    (
        "scheduler: slurm\npartitoin: x",
        r"yaml:2: unknown key 'partitoin'.*Did you mean 'parti",
    ),
    ("scheduler: slurm\npartition: x\nqueue: y", r"yaml:3: partition and queue are two words"),
    ("scheduler: slurm\npartition: a b", r"yaml:2: 'partition' of the site; found a b"),
    ('scheduler: slurm\naccount: "x\\n#SBATCH --uid=0"', r"yaml:2: 'account' of the site"),
    ("scheduler: slurm\nelements: 0", r"'elements' of the site; found 0; expected 1 to 100000"),
    ("scheduler: slurm\ntime: 60", r"'time' of the site; found 60; expected a time such as 04"),
    ("scheduler: slurm\ntime: 04:00", r"'time' of the site; found 04:00"),
    ("scheduler: slurm\ntime: 00:00:00", r"'time' of the site; found 00:00:00"),
    ("scheduler: slurm\nmemory: 2000", r"'memory' of the site; found 2000; expected memory such"),
    ("scheduler: slurm\ntime: 00:05:00\nsignal_seconds: 290", r"less than the time limit \(300 s"),
    ("scheduler: pbs\nqos: x", r"yaml:2: qos is a word of Slurm"),
    ("scheduler: slurm\nextra_directives: [nodes=2]", r"yaml:2: not an option.*begins with --"),
    ("scheduler: slurm\nextra_directives: ['-- rm']", r"yaml:2: not an option of the scheduler"),
    ("scheduler: slurm\nextra_directives: [--array=0-9]", r"microsim decides on this option"),
    ("scheduler: slurm\nextra_directives: [--arr=0-9]", r"microsim decides on this option"),
    ("scheduler: slurm\nextra_directives: [--time=1]", r"decides on this .*Did you mean 'time'"),
    ("scheduler: slurm\nextra_directives: [--wrap=x]", r"microsim decides on this option itself"),
    ('scheduler: slurm\nextra_directives: ["--a\\nrm -r x"]', r"yaml:2: a line of 'extra_direct"),
    ('scheduler: slurm\nprologue: ["a\\nb"]', r"yaml:2: a line of 'prologue' has more than one"),
    ("scheduler: slurm\nprologue: {a: b}", r"yaml:2: 'prologue' of the site"),
    ("scheduler: slurm\nenvironment: {A-B: x}", r"yaml:2: not the name of a variable; found A-B"),
    ('scheduler: slurm\nenvironment: {A: "x\\ny"}', r"yaml:2: 'A' of the site"),
    ("scheduler: slurm\npython: bin/python", r"yaml:2: 'python' of the site.*an absolute path"),
    ("scheduler: slurm\nscratch: $HOME/x", r"'scratch'.*~ and \$ are not expanded here"),
    ("scheduler: lsf\nextra_directives: [-J x]", r"yaml:2: microsim decides on this option itself"),
    ("scheduler: slurm\ndask: {cores: 2}", r"yaml:2: .*has no 'memory'"),
    ("scheduler: !!python/object:os.system slurm", r"yaml:1: tags are not allowed"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS, ids=lambda value: value[-40:])
def test_site__names_what_is_wrong(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_site__tells_all_faults_at_once(tmp_path):
    text = "scheduler: slurm\nelements: none\ntime: soon\nmemory: much\nprologue: x\nwhere: here\n"
    with pytest.raises(InputError, match=r"(?s)elements.*time.*memory.*prologue") as caught:
        read(tmp_path, text)
    lines = [fault.where.rsplit(":", 1)[1] for fault in caught.value.faults]
    assert sorted(lines) == ["2", "3", "4", "5", "6"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("01:02:03", 3723), ("2-00:00:00", 172800), ("100:00:00", 360000), ("1:60:00", 0), ("90", 0)],
)
def test_seconds_of__reads_times(text, seconds):
    assert seconds_of(text) == seconds


# -- the schema for editors ----------------------------------------------------------------------


def schema():
    return json.loads(SCHEMA.read_text(encoding="utf-8"))


def plain(text):
    return json.loads(json.dumps(YAML(typ="safe").load(text), default=str))


@pytest.mark.parametrize("path", SITES, ids=lambda path: path.name)
def test_schema__takes_every_shipped_site(path):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(plain(path.read_text(encoding="utf-8")), schema())


def test_schema__knows_the_keys_the_reader_knows():
    assert set(schema()["properties"]) == set(KEYS)
    assert set(schema()["properties"]["dask"]["properties"]) == set(dask_site.KEYS)


@pytest.mark.parametrize(
    "text",
    [
        "elements: 3", "scheduler: slrum", "scheduler: slurm\npartitoin: x",
        "scheduler: slurm\nelements: 0", 'scheduler: slurm\ntime: "04:00"',
        "scheduler: slurm\nmemory: 2000", "scheduler: slurm\nextra_directives: [nodes=2]",
        "scheduler: slurm\nprologue: {a: b}", "scheduler: slurm\nenvironment: {A-B: x}",
        "scheduler: slurm\npython: bin/python", "scheduler: slurm\ndask: {cores: 2}",
    ],
)  # fmt: skip
def test_schema__refuses_what_the_reader_refuses(tmp_path, text):
    with pytest.raises(InputError, match=r"site\.yaml"):
        read(tmp_path, text)
    with pytest.raises(jsonschema.ValidationError, match=r"\S"):
        jsonschema.validate(plain(text), schema())
