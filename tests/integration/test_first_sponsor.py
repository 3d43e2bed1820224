"""A demo whose sponsor cannot be entered says so, and leaves nothing running."""

from pathlib import Path

import pytest

from emulator.demo.cast import Staging, ports_for
from emulator.demo.first_sponsor import enter_sponsor
from emulator.processes.ports import Ports
from tests.ports import free_port


async def test_a_database_that_is_not_there_is_told_in_the_programs_own_words(
    tmp_path: Path,
) -> None:
    ports = Ports()
    numbers = ports_for(ports, free_port())
    ports.close()  # nobody listens there
    with pytest.raises(ChildProcessError, match=r"no sponsor was entered: .* was not reached"):
        await enter_sponsor(Staging(tmp_path, tmp_path, numbers, ()))
