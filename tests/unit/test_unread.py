"""One way for all programs to end when nobody reads their output any more."""

import ast
import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import unread as of_the_agent
from emulator import unread as of_all_others

ROOT = Path(__file__).resolve().parents[2]
Quiet = Callable[..., int]


def _code_of(path: str) -> str:
    """Without the module's own docstring."""
    tree = ast.parse((ROOT / path).read_text())
    return ast.unparse(ast.Module(tree.body[1:], []))


def test_the_agent_has_the_same_lines() -> None:
    """Its image ships nothing of the emulator."""
    assert _code_of("node_image/agent/unread.py") == _code_of("emulator/unread.py")


def _programs() -> Iterator[Path]:
    """Every module that a verb of make starts, and the agent."""
    makefile = (ROOT / "Makefile").read_text()
    for name in set(re.findall(r"-m ((?:bench|tools|emulator)[\w.]*)", makefile)):
        path = ROOT / name.replace(".", "/")
        yield path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    yield ROOT / "node_image/agent/__main__.py"


def test_every_program_that_people_run_ends_in_this_way() -> None:
    """Whoever adds a verb finds it here."""
    programs = list(_programs())
    assert len(programs) >= 14
    for path in programs:
        _, found, block = path.read_text().partition('if __name__ == "__main__":\n')
        assert found, path
        assert "quiet_when_unread(" in block, path


@pytest.fixture(params=[of_the_agent, of_all_others], ids=["agent", "emulator"])
def quiet(request: pytest.FixtureRequest) -> Quiet:
    """Either copy."""
    made: Quiet = request.param.quiet_when_unread
    return made


@contextlib.contextmanager
def _unread() -> Iterator[None]:
    """An output whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as output, contextlib.redirect_stdout(output):
        yield


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_printed_at_once_or_kept_back_ends_it_the_same(quiet: Quiet, at_once: bool) -> None:
    """With the code of SIGPIPE; what is printed after that goes nowhere."""
    with _unread():
        assert quiet(lambda: print("a line", flush=at_once)) == 141
        print("another", flush=True)


def test_a_verdict_that_nobody_could_read_is_none(quiet: Quiet) -> None:
    """Neither success nor a refusal; only a demo, which is endless, may end well so."""

    def refuses() -> int:
        print("why not")
        return 2

    def helps() -> None:
        print("usage")
        sys.exit(0)  # as argparse does

    for main in (refuses, helps):
        with _unread():
            assert quiet(main) == 141
        with _unread():
            assert quiet(main, code=0) == 0


def test_another_pipe_that_breaks_is_no_reader_of_ours(quiet: Quiet) -> None:
    """A fault stays one."""

    def talks_to_a_child() -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        quiet(talks_to_a_child)


def test_with_a_reader_nothing_changes(quiet: Quiet) -> None:
    """Not the code, not an error, not what is printed."""
    assert [quiet(lambda: None), quiet(lambda: 0), quiet(lambda: 3)] == [0, 0, 3]
    with pytest.raises(ZeroDivisionError):
        quiet(lambda: 1 // 0)
