"""Help: every verb says what it does and shows a command that exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from mlops_iac import __version__
from mlops_iac.cli.main import VERBS, cli

from .conftest import Run


def commands() -> list[tuple[str, ...]]:
    """Every verb, and the verbs below it."""
    found: list[tuple[str, ...]] = []
    for verb in VERBS:
        command = command_of((verb,))
        found.append((verb,))
        if isinstance(command, click.Group):
            found.extend((verb, name) for name in command.commands)
    return found


def command_of(path: tuple[str, ...]) -> click.Command:
    command = cli.get_command(click.Context(cli), path[0])
    assert command is not None
    for name in path[1:]:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


def examples(text: str) -> list[str]:
    """The commands of the section Example(s), without what a shell does around them."""
    section = re.split(r"^ *Examples?:\n", text, flags=re.MULTILINE)
    lines = section[1].split("\n\n")[0].splitlines() if len(section) > 1 else []
    parts = (part.strip() for line in lines for part in line.split("&&"))
    return [part for part in parts if part.startswith("mlops-iac")]


def check_that_it_parses(line: str) -> None:
    """Fail for a command line with a verb, an option or a value that does not exist."""
    _, *words = shlex.split(line.split(">")[0].split("|")[0], comments=True)
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        context = click.Context(command)
        below = command.get_command(context, words.pop(0))
        assert below is not None, line
        command = below
    try:
        command.make_context(line, list(words)).close()
    except click.BadParameter as error:
        assert "does not exist" in error.message


def test_every_command_of_the_readme_parses() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    (mlops-iac .*)$", readme, re.MULTILINE)
    assert len(lines) > 20
    for line in lines:
        check_that_it_parses(line)


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_help_shows_an_example_that_parses(path: tuple[str, ...], run: Run) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: mlops-iac {' '.join(path)}")
    found = examples(result.output)
    assert found, f"no example in the help of {' '.join(path)}"
    for line in found:
        check_that_it_parses(line)


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_option_has_help(path: tuple[str, ...]) -> None:
    options = [item for item in command_of(path).params if isinstance(item, click.Option)]
    assert [item.name for item in options if not item.help] == []


def test_the_overview_lists_every_verb_and_exit_code(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for verb, line in VERBS.items():
        assert re.search(rf"^  {verb} +{re.escape(line.split()[0])}", result.output, re.MULTILINE)
    assert re.findall(r"^ +(\d+) +[a-z]", result.output, re.MULTILINE) == ["0", "1", "2", "3", "10", "130"]
    assert examples(result.output)


def test_the_version(run: Run) -> None:
    assert run("--version").output == f"mlops-iac, version {__version__}\n"


def test_a_mistyped_verb_is_answered_with_the_right_one(run: Run) -> None:
    result = run("previw")
    assert result.exit_code == 1
    assert "Did you mean 'preview'?" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script(shell: str, run: Run) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_MLOPS_IAC_COMPLETE" in result.output
