"""What routes need from the app: the opened index, the settings, and threads to work in."""

from typing import Annotated

from fastapi import Depends, Request

from api.work import Workers
from service.opening import Opened
from service.settings import Settings


def _opened(request: Request) -> Opened:
    opened: Opened = request.app.state.opened
    return opened


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _workers(request: Request) -> Workers:
    workers: Workers = request.app.state.workers
    return workers


Index = Annotated[Opened, Depends(_opened)]
Config = Annotated[Settings, Depends(_settings)]
Work = Annotated[Workers, Depends(_workers)]
