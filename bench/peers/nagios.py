"""The dashboard's peer: the status page of Nagios 4, over as many hosts.

Debian's packages, fetched and only unpacked. The daemon itself writes what its page is made of;
then `status.cgi` is called as a web server would call it, and what a server adds is not counted.
"""

import getpass
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.http_load import quantile
from bench.peers.debian import unpacked
from bench.processes import two_cores, wait_for
from bench.report import NotMeasurableError

VIEWS = 100
ROWS = 25
"""As many as the dashboard has on a page."""
START_SECONDS_MAX = 60.0
VIEW_SECONDS_MAX = 10.0

_COMMON = """define command {{
  command_name none
  command_line /bin/true
}}
define timeperiod {{
  timeperiod_name always
  alias always
}}
define contact {{
  contact_name nobody
  host_notifications_enabled 0
  service_notifications_enabled 0
  host_notification_period always
  service_notification_period always
  host_notification_commands none
  service_notification_commands none
}}
"""
_KIND = """define {kind} {{
  host_name {name}
  {more}
  check_command none
  max_check_attempts 1
  active_checks_enabled 0
  contacts nobody
  check_period always
  notification_period always
}}
"""
_SETTINGS = """cfg_file={folder}/objects.cfg
resource_file={folder}/resource.cfg
object_cache_file={folder}/objects.cache
status_file={folder}/status.dat
state_retention_file={folder}/retention.dat
log_file={folder}/nagios.log
lock_file={folder}/nagios.pid
temp_file={folder}/nagios.tmp
temp_path={folder}
check_result_path={folder}/results
command_file={folder}/nagios.cmd
query_socket={folder}/nagios.qh
log_archive_path={folder}
status_update_interval=2
use_syslog=0
nagios_user={user}
nagios_group={user}
"""
_CGI = """main_config_file={folder}/nagios.cfg
physical_html_path=/nonexistent
url_html_path=/nagios4
use_authentication=0
"""


@dataclass(frozen=True, slots=True)
class StatusPage:
    """What its page came to."""

    p95_s: float
    bytes: int


def status_page(hosts: int, folder: Path) -> StatusPage:
    """A page of ROWS of so many hosts, each with a service, all of them fine so far.

    NotMeasurableError where the packages cannot be had."""
    daemon = unpacked("nagios4-core", "usr/sbin/nagios4")
    page = unpacked("nagios4-cgi", "usr/lib/cgi-bin/nagios4/status.cgi")
    _write(hosts, folder)
    _, core = two_cores()
    with _running(daemon, folder, hosts):  # which takes its files away when it ends
        views = [_view(page, folder, core) for _ in range(VIEWS)]
    return StatusPage(quantile([seconds for seconds, _ in views], 0.95), views[-1][1])


def _write(hosts: int, folder: Path) -> None:
    (folder / "results").mkdir(parents=True)
    (folder / "resource.cfg").touch()
    objects = [_COMMON.format()]
    for number in range(hosts):
        name = f"n{number:019d}"  # as long as a node's id
        objects.append(_KIND.format(kind="host", name=name, more="address 127.0.0.1"))
        more = "service_description relay"
        objects.append(_KIND.format(kind="service", name=name, more=more))
    (folder / "objects.cfg").write_text("".join(objects))
    (folder / "nagios.cfg").write_text(_SETTINGS.format(folder=folder, user=getpass.getuser()))
    (folder / "cgi.cfg").write_text(_CGI.format(folder=folder))


@contextmanager
def _running(daemon: Path, folder: Path, hosts: int) -> Iterator[None]:
    """The daemon, once it has told of every host."""
    status, log = folder / "status.dat", folder / "output"
    argv = (str(daemon), str(folder / "nagios.cfg"))

    def told() -> bool:
        if process.poll() is not None:
            raise NotMeasurableError(f"Nagios ended: {log.read_text()[-2000:]}")
        return status.exists() and status.read_text().count("hoststatus {") >= hosts

    with (
        log.open("wb") as out,
        subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT) as process,
    ):
        try:
            wait_for(told, "Nagios's status of every host", seconds_max=START_SECONDS_MAX)
            yield
        finally:
            process.terminate()


def _view(page: Path, folder: Path, core: int) -> tuple[float, int]:
    """(seconds, bytes) of one call; its headers are not counted."""
    env = {
        "PATH": os.environ["PATH"],
        "NAGIOS_CGI_CONFIG": str(folder / "cgi.cfg"),
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": f"host=all&limit={ROWS}",
        "REMOTE_ADDR": "127.0.0.1",
    }
    begun = time.perf_counter()
    argv = ("taskset", "-c", str(core), str(page))
    done = subprocess.run(argv, env=env, capture_output=True, timeout=VIEW_SECONDS_MAX, check=True)
    seconds = time.perf_counter() - begun
    body = done.stdout.partition(b"\n\n")[2] or done.stdout.partition(b"\r\n\r\n")[2]
    if body.count(b"service=relay") < ROWS:
        raise NotMeasurableError(f"not the page that was asked for: {done.stdout[-500:]!r}")
    return seconds, len(body)
