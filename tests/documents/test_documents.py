"""Documents do not lie: their commands run, their snippets work, the files they name exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest
import typer
from documents import CHECKOUT, DOCUMENTS, blocks, links, spans

from microsim.cli.main import build

README = CHECKOUT / "README.md"
INSTALL = "python3 -m venv .venv && .venv/bin/pip install "

# Names that look like paths and stand for what a reader makes, a run makes, or the sources hold.
EXAMPLES = re.compile(
    r"^[A-Z]+(/|$)|^runs?/|^kenya\.h5$|^results\.h5$|^question\.json$|^p\.xlsx$|^budget\.xlsx$|"
    r"^survey\.|^map\.yaml$|^my|^cps\.csv\.gz$|^\.|^microsim/_shipped$|^\.venv|"
    r"^currency/|^wpp2024/|^macro/|^datasets/|"
    r"^(draws\.csv|cut\.json|frame\.json|persons\.h5|submitted\.jsonl|ended\.txt)$|"  # of a run
    r"^(plan|failed|shards|events|persons|jobs)/"
)
SUFFIXES = "py|yaml|yml|csv|json|md|toml|h5|npz|gz|xlsx|svg|sh"
PATH = re.compile(rf"^[\w.\-/]+(/|\.({SUFFIXES}))$|^[\w.-]+(/[\w.-]+)+$")


def commands_of(document):
    """Return the words of every `microsim` command in a document."""
    found = []
    for block in blocks(document):
        if block.language in ("sh", "bash", ""):
            for line in re.sub(r"\\\n\s*", " ", block.text).splitlines():
                for part in line.split("&&"):
                    words = shlex.split(part.strip(), comments=True)
                    if words and words[0].endswith("microsim"):
                        found.append(words[1:])
    named = [shlex.split(span)[1:] for span in spans(document) if span.startswith("microsim ")]
    return found + named


COMMANDS = [
    pytest.param(words, id=f"{document.relative_to(CHECKOUT)}: {' '.join(words)}")
    for document in DOCUMENTS
    for words in commands_of(document)
]


def parse(command, name, words, parent=None):
    """Let a command take its words without running it; descends into groups."""
    if not words and parent is not None:
        return  # only named
    context = command.make_context(name, list(words), parent=parent)
    rest = [*getattr(context, "_protected_args", ()), *context.args]
    if hasattr(command, "commands"):
        assert rest[0] in command.commands, f"unknown command {rest[0]}"
        parse(command.commands[rest[0]], rest[0], rest[1:], context)


@pytest.mark.parametrize("words", COMMANDS)
def test_commands__are_taken_by_the_program(words):
    stated = ["1" if word in ("ID", "N") else word for word in words]
    parse(typer.main.get_command(build()), "microsim", stated)


def test_commands__are_found_in_the_documents():
    assert len(commands_of(README)) > 10
    assert len(COMMANDS) > 25


def test_readme_commands__run(reader):
    lines = [
        line
        for block in blocks(README)
        if block.language == "sh"
        for line in block.text.splitlines()
        if line.startswith("microsim ")
    ]
    assert len(lines) >= 17
    (reader.folder / "draws.csv").write_text("take_up.pwsd\n0.07\n")
    for line in lines:
        words = shlex.split(line)[1:]
        if words[0] in ("run", "plan"):
            words += ["--households", "2000"]
        reader.types(*["2000" if word == "20000" else word for word in words])
    for made in ("budget.xlsx", "kenya.h5", "mycountry/baseline.yaml", "runs/larger_grant"):
        assert (reader.folder / made).exists(), made


def test_readme_result__has_the_lines_of_a_real_run(reader):
    def shape(line):
        return re.sub(r"[+\-]?\d[\d,.]*", "#", re.sub(r"\s+", " ", line)).strip()

    pasted = [block.text for block in blocks(README) if block.language == "text"]
    for text, result in zip(pasted, (reader.first_result, reader.projection), strict=True):
        printed = {shape(line) for line in result.splitlines()}
        for line in text.splitlines():
            assert shape(line) in printed, line


def test_readme_promises__are_the_two_commands_that_ci_runs():
    lines = [line for line in README.read_text(encoding="utf-8").splitlines() if INSTALL in line]
    assert len(lines) == 2
    assert lines[0].endswith(". && .venv/bin/microsim run scenarios/kenya/floor.yaml")
    assert lines[1].endswith("-e '.[test]' && .venv/bin/pytest -n 2")
    assert "from_readme pytest" in (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")


SNIPPETS = [
    pytest.param(block, id=block.name)
    for document in DOCUMENTS
    for block in blocks(document)
    if block.language == "python"
]


@pytest.mark.parametrize("block", SNIPPETS)
def test_python_snippets__run_without_a_warning(block, reader):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.text],
        cwd=reader.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), "a snippet shows something"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_links__lead_to_files(document):
    for target in links(document):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_paths__exist(document):
    named = [span for span in spans(document) if PATH.match(span) and not EXAMPLES.search(span)]
    places = [document.parent, CHECKOUT, CHECKOUT / "scenarios"]
    places += [*sorted((CHECKOUT / "scenarios").iterdir())]
    places += [CHECKOUT / "microsim" / "language", CHECKOUT / "microsim" / "population"]
    missing = [one for one in named if not any((place / one).exists() for place in places)]
    assert not missing


def test_picture__is_drawn_from_a_run(reader, tmp_path):
    script = CHECKOUT / "docs" / "draw_result.py"
    out = tmp_path / "kenya_floor.svg"
    subprocess.run([sys.executable, script, reader.folder / "runs" / "floor", out], check=True)
    shipped = (CHECKOUT / "docs" / "kenya_floor.svg").read_text(encoding="utf-8")

    def words(text):
        return re.findall(r">([^<>\d]+)<", text)

    assert words(out.read_text(encoding="utf-8")) == words(shipped)
