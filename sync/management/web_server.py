"""The web server as it stops: within its time, whoever keeps it waiting."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from threading import Timer
from types import FrameType

import uvicorn

from sync.coordinator import worker
from sync.management.http_connections import Connections

STOPS_WITHIN = 10  # seconds that requests in progress have left, once it is told to stop
CONNECTIONS_IN_LINE = 2048  # that the system keeps until they are accepted
SENT_WITHIN = 3  # seconds of these that requests have which are still being sent
READ_WITHIN = 9  # seconds of these that answers have which are still being read
ENDS_AFTER = 3  # seconds more, whatever is in progress

logger = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Gives back what order forms have it carry out when it is told to stop, and lets no client keep it waiting."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self.server_state = connections
        self.held = connections
        self.told_to_stop = worker.prepare_to_stop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(CONNECTIONS_IN_LINE)

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # once a second
            self.held.close_late(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(SENT_WITHIN, self.held.close_unfinished_requests)
        loop.call_later(READ_WITHIN, self.held.cut_readers_off)
        await super().shutdown(sockets)

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        if not self.told_to_stop.is_set():
            self.told_to_stop.set()
            end_later()
        super().handle_exit(number, frame)


def end_later() -> None:
    """End this process for certain, though one of its threads waits for a database that does not answer."""

    def end() -> None:
        logger.warning("Ended while a request was still waiting")
        logging.shutdown()
        os._exit(0)

    timer = Timer(STOPS_WITHIN + ENDS_AFTER, end)
    timer.daemon = True
    timer.start()
