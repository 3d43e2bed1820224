"""A node's look at itself at its first start: told in the log, and ending in one exact fix."""

import contextlib
import logging
from pathlib import Path

from agent.client.coordinator import CoordinatorClient
from agent.client.signing import SignedBy
from agent.doctor.examination import of_the_relay
from agent.doctor.findings import Finding, FindingState, conclusion
from agent.doctor.outside import ask_coordinator
from agent.log import AgentEvent, log
from agent.settings import AgentSettings

FILE = "examined"


def is_due(data_dir: Path) -> bool:
    """Whether no node has looked at itself yet on this volume; the doctor does not count."""
    return not (data_dir / FILE).exists()


async def first_look(settings: AgentSettings, key: str, ports: Finding) -> None:
    """Examine the node while it starts; `ports` was found before it was started.

    It leaves out what would take from the viewers: the upload is not measured.
    """
    findings = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        level = logging.WARNING if finding.state is FindingState.PROBLEM else logging.INFO
        log(
            AgentEvent.EXAMINED,
            level,
            about=finding.kind.name.lower(),
            says=finding.says,
            fix=finding.fix,
        )

    tell(ports)
    coordinator = CoordinatorClient(
        settings.coordinator_url, SignedBy(key), settings.coordinator_ca
    )
    try:
        reached = await ask_coordinator(settings, coordinator)
        for finding in reached.findings:
            tell(finding)
        if reached.stream is not None:
            async for finding in of_the_relay(settings, key, coordinator, reached.stream):
                tell(finding)
    finally:
        await coordinator.close()
    last, code = conclusion(findings)
    log(AgentEvent.EXAMINATION_OVER, logging.WARNING if code else logging.INFO, says=last)
    if reached.stream is None:
        return  # without a stream it saw next to nothing: it looks again at the next start
    with contextlib.suppress(OSError):  # looking again harms nobody
        (settings.data_dir / FILE).touch()
