"""What the network is set to, and was."""

from dataclasses import asdict

from fastapi import FastAPI

from api.services.services import Services
from api.wire.common import timestamp
from api.wire.config import ConfigOut, SettingsOut


def install(app: FastAPI, services: Services) -> None:
    """`/config`."""

    @app.get("/config", tags=["evidence"])
    async def get_the_settings() -> ConfigOut:
        """Every setting that a statement depends on, dated. An epoch goes by the last entry that
        was published when it began; what came before the first entry goes by the first."""
        history = [
            SettingsOut(since=timestamp(each.since_s), **asdict(each))
            for each in await services.ledger.settings.history()
        ]
        return ConfigOut(current=history[-1] if history else None, history=history)
