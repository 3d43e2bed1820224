"""nginx with the RTMP module, as Debian packages it (nginx, libnginx-mod-rtmp).

Every directive below has its reason: an unprivileged, single process that dies with its agent,
pulls without a viewer asking, notices a frozen upstream, and takes no stranger's publication.
"""

import asyncio
import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from agent.relay.engines.engine import (
    EngineMissingError,
    EngineSilentError,
    Reading,
    RelayTask,
    StatisticsError,
)
from agent.relay.engines.local_page import LocalPage
from agent.relay.engines.nginx_stat import parse_statistics

_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
_CONFIG = "nginx.conf"
_SOCKET = "statistics.sock"
_SILENT_S_MAX = 4.5
_SEVERITY = re.compile(r" \[([a-z]+)\] ")
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": logging.INFO,
    "warn": logging.WARNING,
    # A viewer who asks for a stream that is not live is an [error] to nginx, and none to us.
    "error": logging.WARNING,
}

# `master_process off`: a killed master would leave a worker behind that holds the port.
# rtmp's `access_log off`: its default file is one that only root may write.
# `drop_idle_publisher`: a frozen upstream would otherwise show as publishing for 40 s and more.
# `idle_streams off`: viewers of a stream that ended are told so, and are not left hanging.
# The statistics are on a socket in a private folder, so no port is opened for them; without the
# list of clients, because that would repeat what strangers say about themselves.
# `max_connections`: a crowd must leave room for the pull, the statistics and the questions.
# `on_play`: whoever came through a forwarder is refused (agent.relay.doorman).
_TEMPLATE = """\
load_module {module};
master_process off;
pid "{work_dir}/nginx.pid";
error_log stderr warn;
events {{
    worker_connections 4096;
}}
rtmp {{
    access_log off;
    max_connections 3800;
    server {{
        listen {bind_address}:{rtmp_port};
        chunk_size 4096;
        max_streams 32;
        application live {{
            live on;
            record off;
            idle_streams off;
            drop_idle_publisher 10s;
            allow play all;
            on_play {hooks}/play;
{role}
        }}
    }}
}}
http {{
    access_log off;
    client_body_temp_path "{work_dir}/body";
    proxy_temp_path "{work_dir}/proxy";
    fastcgi_temp_path "{work_dir}/fastcgi";
    uwsgi_temp_path "{work_dir}/uwsgi";
    scgi_temp_path "{work_dir}/scgi";
    server {{
        listen "unix:{work_dir}/{socket}";
        location = /statistics {{
            rtmp_stat live;
        }}
    }}
}}
"""
# The pull's own publication does not pass the access rules, so nobody else may publish at all.
# The address is the one that the agent resolved: nginx would end on a name that does not resolve.
_NODE = """\
            deny publish all;
            pull rtmp://{ip}:{url.port}/{url.app}/{url.name} name={name} static tcUrl=rtmp://{url.host}:{url.port}/{url.app};
            pull_reconnect 1s;"""
_INGEST = """\
            on_publish {hooks}/publish;"""


class NginxRtmp:
    """The engine `nginx-rtmp`."""

    name = "nginx-rtmp"
    checks_publishers = True

    hurry_signal: int | None = None

    def __init__(self, work_dir: Path) -> None:
        self.work_dir = work_dir
        self.refused: Mapping[str, int] = {}
        self._page = LocalPage(
            "nginx's statistics",
            "/statistics",
            lambda: asyncio.open_unix_connection(work_dir / _SOCKET),
        )

    def render(self, task: RelayTask, upstream_ip: str) -> Mapping[str, str]:
        """nginx.conf for a node (with an upstream) or an ingest."""
        if task.upstream is not None:
            role = _NODE.format(ip=upstream_ip, url=task.upstream, name=task.stream_id)
        else:
            role = _INGEST.format(hooks=task.hooks)
        text = _TEMPLATE.format(
            module=_MODULE,
            work_dir=self.work_dir,
            socket=_SOCKET,
            bind_address=task.bind_address,
            rtmp_port=task.rtmp_port,
            hooks=task.hooks,
            role=role,
        )
        return {_CONFIG: text}

    def command(self) -> list[str]:
        """nginx in the foreground. Raises EngineMissingError; removes a dead nginx's socket."""
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if program is None or not _MODULE.exists():
            raise EngineMissingError(
                "nginx with the RTMP module is not installed: apt-get install nginx "
                "libnginx-mod-rtmp, or run the node image."
            )
        # A killed nginx leaves its socket's file, and a new one would refuse to listen on it.
        (self.work_dir / _SOCKET).unlink(missing_ok=True)
        return [
            program,
            *("-p", f"{self.work_dir}/", "-c", _CONFIG, "-e", "stderr", "-g", "daemon off;"),
        ]

    def started(self, pid: int) -> None:
        """nginx counts by itself: nothing to do."""

    async def read(self) -> Reading:
        """The streams of the running nginx. Raises EngineSilentError."""
        try:
            return parse_statistics(await self._page.read())
        except StatisticsError as e:
            raise EngineSilentError(f"nginx's statistics: {e}") from e

    def ailment(self, silent_s: float) -> str:
        """A frozen nginx is told by its silence; a dead one the supervisor sees by itself."""
        if silent_s > _SILENT_S_MAX:
            return f"nginx has not answered for {silent_s:.0f} s"
        return ""

    def level_of(self, line: str) -> int:
        """nginx writes `2026/11/22 15:07:26 [notice] 6799#6799: …`."""
        match = _SEVERITY.search(line)
        return _LEVELS.get(match[1], logging.ERROR) if match else logging.WARNING
