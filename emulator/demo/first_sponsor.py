"""The demo's sponsor is entered as ops enter one: by `make sponsor`, in a process of its own."""

import asyncio

from emulator.demo import cast
from emulator.demo.cast import Staging

ENTERING_SECONDS_MAX = 60.0


async def enter_sponsor(stage: Staging) -> None:
    """Lets the sponsor of a demo in, once its Firestore answers. Raises ChildProcessError."""
    command = cast.sponsor(stage)
    program = await asyncio.create_subprocess_exec(
        *command.argv,
        env=command.env,
        cwd=command.cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(ENTERING_SECONDS_MAX):
            said, _ = await program.communicate()
    except TimeoutError:
        says = f"no sponsor was entered within {ENTERING_SECONDS_MAX:g} s"
        raise ChildProcessError(says) from None
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    if program.returncode:
        raise ChildProcessError(f"no sponsor was entered: {said.decode(errors='replace').strip()}")
