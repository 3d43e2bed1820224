"""Addresses that nobody may be led to, in every notation, and ports of other services."""

from collections.abc import Iterator

from bench.hostile_api.case import CALLER, NODE, SPONSOR_KEY, Case, request

INSIDE_4 = ("127.0.0.1", "10.0.0.7", "192.168.1.1", "169.254.169.254")
OTHERS_4 = (
    "0.0.0.0",  # noqa: S104 - named, not bound
    *("100.64.0.1", "127.255.255.254", "168.63.129.16", "172.16.0.1", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("10.255.255.255", "100.127.255.255", "172.31.255.255", "192.168.255.255", "169.254.0.1"),
    *("198.19.255.255", "239.255.255.255", "127.0.0.0", "10.0.0.0", "0.255.255.255", "192.0.0.8"),
    *("240.0.0.1", "255.255.255.255", "199.36.153.8"),
)
INSIDE_6 = (
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "0:0:0:0:0:0:0:1"),
    *("64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:0:7f00:1::1"),
    *("2001:db8::1", "2002:7f00:1::1", "2a00:1450::5efe:7f00:1", "3ffe::1", "3fff::1", "5f00::1"),
    *("fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%25eth0", "fec0::1"),
    *("ff02::1", "::ffff:a9fe:a9fe", "::ffff:10.0.0.7", "0000::0001"),
)
OTHER_FORMS = (
    *("ftp://{0}/", "file:///etc/passwd", "gopher://{0}:8080/_x", "unix:///run/docker.sock"),
    *("//{0}/", "http:/{0}/", "http:{0}", "http:\\\\{0}\\", " http://{0}/", "http://{0}/ x"),
    *("http://relay.example@{0}/", "http://relay.example:80@{0}/", "http://relay.example#@{0}/"),
    *("http://relay.example\\@{0}/", "http://{0}%2f@relay.example/", "http://{0}./"),
    *(
        "http://relay.example/\r\nHost: x",
        "http://{0}:8080:80/",
        "http://[{0}]/",
        "dict://{0}:11211/",
    ),
)
PORTS = (
    *(0, 1, 7, 19, 21, 22, 23, 25, 53, 69, 110, 111, 123, 135, 139, 143, 161, 389, 445, 465, 514),
    *(587, 636, 873, 993, 995, 1080, 1433, 1521, 2049, 2375, 2379, 3306, 3389, 5060, 5432, 5672),
    *(5900, 6000, 6379, 6667, 9042, 9092, 9200, 10250, 11211, 27017, 65_536, -1),
)


def spellings(ip: str) -> list[str]:
    """Other ways to write an IPv4 address, which one library or another understands."""
    parts = [int(part) for part in ip.split(".")]
    number = int.from_bytes(bytes(parts), "big")
    first, *_, third, last = parts
    return [
        *(ip, str(number), hex(number), f"0{number:o}", f"0X{number:X}"),
        ".".join(map(hex, parts)),
        ".".join(f"0{part:o}" for part in parts),
        ".".join(f"{part:03d}" for part in parts),
        f"{first}.{number & 0xFFFFFF}",
        f"{first}.{parts[1]}.{third << 8 | last}",
        f"{hex(first)}.{number & 0xFFFFFF}",
        f"{ip}.",
        ip.replace(".", "。"),
        "".join(chr(ord(one) + 0xFEE0) if one.isdigit() else one for one in ip),
        f"[::ffff:{ip}]",
        f"[::{ip}]",
        f"[64:ff9b::{ip}]",
        f"{ip}%00.relay.example",
    ]


def notations() -> list[str]:
    """Each as a whole URL."""
    hosts = [spelled for ip in INSIDE_4 for spelled in spellings(ip)]
    hosts += [*OTHERS_4, *(f"[{ip}]" for ip in INSIDE_6)]
    urls = [f"http://{host}/" for host in hosts]
    return list(dict.fromkeys([*urls, *(form.format("127.0.0.1") for form in OTHER_FORMS)]))


def cases(stream_id: str) -> Iterator[Case]:
    """In a heartbeat, in a dial-back and as a webhook; ports in the first two."""
    beat = {"stream_id": stream_id, "rtmp_port": 1935, "address": CALLER}
    stream = {"name": "x", "token_balance": "1", "reward_per_node_hour": "1"}
    for url in notations():
        name = ascii(url)
        heartbeat = request("POST", "/nodes/heartbeat", key=NODE, body={**beat, "stats_url": url})
        yield Case("ssrf", f"heartbeat {name}", heartbeat, {422})
        call = {"stats_url": url, "rtmp_port": 1935}
        yield Case(
            "ssrf",
            f"dial-back {name}",
            request("POST", "/nodes/dial-back", key=NODE, body=call),
            {422},
        )
        hook = request("POST", "/streams", key=SPONSOR_KEY, body={**stream, "webhook_url": url})
        yield Case("ssrf", f"webhook {name}", hook, {422})
    for port in PORTS:
        for path, rest in (("/nodes/heartbeat", beat), ("/nodes/dial-back", {"rtmp_port": 1935})):
            bodies = {
                "rtmp_port": {**rest, "stats_port": 8080, "rtmp_port": port},
                "stats_port": {**rest, "stats_port": port},
                "stats_url": {**rest, "stats_url": f"http://203.0.114.7:{port}/"},
            }
            for field, body in bodies.items():
                says = (
                    "rtmp_port" if field == "rtmp_port" else "stats" if 1 <= port < 65_536 else ""
                )
                sent = request("POST", path, key=NODE, body=body)
                yield Case("ports", f"{path} {field} {port}", sent, {422}, says)
