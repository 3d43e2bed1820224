"""A program for a network namespace of its own: a node that answers connections by ICMP.

Its listener takes nobody, and to each SYN comes "network unreachable" (type 3, code 0), as a
firewall sends it. Prints what a poll of it comes to, and one where there is no route at all.
"""

import asyncio
import json
import os
import socket
import struct
import threading

from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.outbound.replies import Failed
from coordinator.strangers.addresses import parse_stats_url
from tests.integration.name_server import raise_loopback

ETH_P_IP = 0x0800
SYN, ACK = 0x02, 0x10


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _refuse_by_icmp(sniffer: socket.socket, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as icmp:
        while True:
            packet = sniffer.recv(65_536)
            tcp = packet[(packet[0] & 15) * 4 :]
            if packet[9] != socket.IPPROTO_TCP or struct.unpack("!H", tcp[2:4])[0] != port:
                continue
            if tcp[13] & (SYN | ACK) == SYN:
                quoted = packet[: (packet[0] & 15) * 4] + tcp[:8]
                body = struct.pack("!BBHI", 3, 0, 0, 0) + quoted
                told = struct.pack("!BBHI", 3, 0, _checksum(body), 0) + quoted
                icmp.sendto(told, ("127.0.0.1", 0))


async def _polled(host: str, port: int) -> str:
    client = PollClient(Guard(allow_private=True))
    found = await client.get(parse_stats_url(f"http://{host}:{port}/stats.json"))
    return found.reason.value if isinstance(found, Failed) else "fetched"


async def main() -> None:
    raise_loopback()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # its queue is full: SYNs get no answer
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        sniffer.bind(("lo", 0))
        threading.Thread(target=_refuse_by_icmp, args=(sniffer, port), daemon=True).start()
        told = {
            "refused by ICMP": await _polled("127.0.0.1", port),
            "without a route": await _polled("8.8.8.8", 8080),
        }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # the thread waits for a packet
