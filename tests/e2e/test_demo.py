"""The real demo, as a user runs it: started, looked at, robbed of its parts, interrupted.

In surroundings that other programs like and that it must not trip over: a proxy, odd folders.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from emulator.demo.options import ROOT
from emulator.processes.proctable import marked, pids
from tests.e2e.running_demo import START_SECONDS_MAX, TOOLS, Demo, listening, running
from tests.e2e.terminal import Terminal
from tests.image.stand_in import program_path
from tests.ports import free_port
from tools.verify.__main__ import main as verify

STOP_SECONDS_MAX = 10.0  # 5 are promised; a busy machine gets some more before this is a failure
PROBE_SECONDS_MAX = 30.0
SMOKE_SECONDS_MAX = 660.0  # it ends itself after ten minutes


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """An honest node of each engine and a dead one, all of them swept and checked."""
    engines = {"ENGINE": "restream,rtmp_relay", "PATH": program_path()}
    with running(tmp_path_factory.mktemp("demo"), 2, "dead", **engines) as demo:
        demo.until_printed("starting nodes")
        demo.until(lambda: len(demo.nodes()) == 5, "three nodes and two controls")
        demo.until(
            lambda: sum(n.checks_passed + n.checks_failed > 0 for n in demo.nodes()) == 3,
            "a check of every node that is no control",
        )
        yield demo


def test_honest_nodes_pass_and_the_cheat_fails(demo: Demo) -> None:
    assert sum(node.checks_passed > 0 and node.checks_failed == 0 for node in demo.nodes()) == 2
    assert sum(node.checks_failed > 0 and node.checks_passed == 0 for node in demo.nodes()) == 1
    demo.until_printed("node-1 (honest) is healthy")
    demo.until_printed("dead-1 (dead) is")


def test_the_playlist_names_the_honest_nodes_and_never_the_dead_one(demo: Demo) -> None:
    """It never passed a check, so it does not stand in for a third one either."""
    nodes = demo.api.get("/nodes").json()["nodes"]
    passed = {node["rtmp_url"] for node in nodes if node["checks_passed"]}
    (dead,) = [n["rtmp_url"] for n in nodes if n["checks_failed"] and not n["checks_passed"]]
    playlist = f"/streams/{demo.nodes()[0].stream_id}/playlist.m3u"
    demo.until(lambda: passed <= set(demo.api.get(playlist).text.splitlines()), "both honest nodes")
    assert dead not in demo.api.get(playlist).text


def test_the_honest_nodes_have_both_engines(demo: Demo) -> None:
    """One of each was verified, so both relay the stream as it is."""
    verified = [node for node in demo.api.get("/nodes").json()["nodes"] if node["checks_passed"]]
    told = [httpx.get(node["stats_url"], trust_env=False).json() for node in verified]
    assert {each["relay"]["engine"] for each in told} == {"restream", "rtmp_relay"}


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/healthz"])
def test_the_addresses_it_prints_answer(demo: Demo, path: str) -> None:
    answer = demo.api.get(path)
    assert answer.status_code == 200
    assert len(answer.headers.get_list("date")) == 1, "its own, and not the server's"
    assert f"dashboard: http://127.0.0.1:{demo.port}/" in demo.output()


def test_a_player_gets_the_picture_through_a_node_of_the_playlist(demo: Demo) -> None:
    stream_id = demo.nodes()[0].stream_id
    playlist = f"/streams/{stream_id}/playlist.m3u"
    demo.until(lambda: "rtmp://" in demo.api.get(playlist).text, "a node in the playlist")
    entries = [line for line in demo.api.get(playlist).text.splitlines() if "rtmp://" in line]
    played = subprocess.run(
        ("ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width", entries[0]),
        capture_output=True,
        text=True,
        timeout=PROBE_SECONDS_MAX,
        check=False,
    )
    assert "codec_name=h264" in played.stdout, f"{entries}\n{played.stderr}\n{demo.output()}"
    assert "codec_name=aac" in played.stdout
    assert "width=640" in played.stdout


def test_a_player_opens_the_playlist_itself(demo: Demo) -> None:
    stream_id = demo.nodes()[0].stream_id
    playlist = f"/streams/{stream_id}/playlist.m3u"
    demo.until(lambda: "rtmp://" in demo.api.get(playlist).text, "a node in the playlist")
    played = subprocess.run(
        (
            "mpv",
            "--no-config",
            "--vo=null",
            "--ao=null",
            "--frames=20",
            "--term-playing-msg=picture ${width}x${height}",
            f"http://127.0.0.1:{demo.port}{playlist}",
        ),
        capture_output=True,
        text=True,
        timeout=PROBE_SECONDS_MAX,
        check=False,
    )
    told = played.stdout + played.stderr
    assert "picture 640x360" in told, f"{told}\n{demo.output()}"
    assert played.returncode == 0, told


def test_ffplay_shows_the_stream_of_the_playlist(demo: Demo) -> None:
    """With the address that the playlist names: ffplay reads no playlists of this kind."""
    stream_id = demo.nodes()[0].stream_id
    playlist = f"/streams/{stream_id}/playlist.m3u"
    demo.until(lambda: "rtmp://" in demo.api.get(playlist).text, "a node in the playlist")
    entries = [line for line in demo.api.get(playlist).text.splitlines() if "rtmp://" in line]
    with subprocess.Popen(
        ("timeout", str(PROBE_SECONDS_MAX), "ffplay", "-v", "info", "-stats", entries[0]),
        env={**os.environ, "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"},
        stderr=subprocess.PIPE,
    ) as player:
        assert player.stderr is not None
        told = b""
        # Its line of statistics goes on once pictures are shown; it never ends by itself.
        while b" vq=" not in told.partition(b"640x360")[2]:
            data = os.read(player.stderr.fileno(), 65_536)
            if not data:
                break
            told += data
        player.terminate()
    assert b"Video: h264" in told, f"{told!r}\n{demo.output()}"
    assert b" vq=" in told.partition(b"640x360")[2]


def test_the_checking_is_checked(demo: Demo) -> None:
    """By a known-good and a known-bad node, which the dashboard counts."""
    said = "0 misses in", "0 false alarms in"
    demo.until(
        lambda: all(each in demo.api.get("/").text for each in said), "checks of both controls"
    )
    assert "the checking is not checked" not in demo.api.get("/").text


def test_bars_fill_from_the_first_epoch_on(demo: Demo) -> None:
    """One for an hour of the demo, which is a minute."""
    demo.until(
        lambda: re.search(r"Last \d+ hours: [1-9]", demo.api.get("/").text) is not None,
        "a bar of the last 24 hours",
    )


def test_all_that_it_published_agrees(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    """Statements, tokens and receipts, recomputed over its public addresses."""
    stream_id = demo.nodes()[0].stream_id
    statements = f"/streams/{stream_id}/statements"
    demo.until(lambda: demo.api.get(statements).json()["statements"], "a settled epoch")
    status = verify(["all", "--stream", stream_id, "--api", f"http://127.0.0.1:{demo.port}"])
    assert status == 0, f"{capsys.readouterr().out}\n{demo.output()}"
    assert "statements and days recomputed, 0 findings" in capsys.readouterr().out


def test_the_streams_key_is_in_no_command_line_no_log_and_no_output(demo: Demo) -> None:
    """Everybody on the machine may read the first, and people show each other the others."""
    words = _command_line(demo.children()["publisher"])
    options = Path(words[words.index("-fpre") + 1])
    key = options.read_text().strip().partition("?key=")[2]
    assert len(key) > 20
    assert not [pid for pid in pids() if any(key in word for word in _command_line(pid))]
    logs = [path.read_text(errors="replace") for path in demo.folder.glob("logs/*.log")]
    assert len(logs) > 8
    assert not any(key in text for text in [*logs, demo.output()])


def _command_line(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    return []


def test_the_printed_line_registers_a_stream_of_ones_own(demo: Demo) -> None:
    """As it stands there, in a shell; it needs nothing but curl."""
    (line,) = [line for line in demo.output().splitlines() if line.startswith("curl ")]
    before = len(demo.api.get("/streams").json()["streams"])
    told = subprocess.run(
        ("sh", "-c", line),
        env={**TOOLS, "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=PROBE_SECONDS_MAX,
        check=True,
    )
    assert json.loads(told.stdout)["publish_url"].startswith("rtmp://")
    demo.until(lambda: len(demo.api.get("/streams").json()["streams"]) > before, "another stream")


def test_it_says_how_fast_time_passes(demo: Demo) -> None:
    assert "pace: a minute takes 5 s here, an hour 60 s" in demo.output()


def test_a_smoke_test_of_it_is_green(demo: Demo, tmp_path: Path) -> None:
    """By the program that tests a cloud: here a node of its own relays its stream."""
    (line,) = [line for line in demo.output().splitlines() if line.startswith("curl ")]
    (key,) = re.findall(r"Bearer ([\w-]+)", line)
    paths = os.pathsep.join(str(ROOT / each) for each in ("functions", "node_image", "."))
    words = (f"--api=http://127.0.0.1:{demo.port}", f"--kept={tmp_path / 'kept'}")
    done = subprocess.run(
        (sys.executable, "-m", "tools.smoke", *words, f"--out={tmp_path / 'rows'}"),
        cwd=ROOT,
        env={**TOOLS, "PYTHONPATH": paths, "SPONSOR_KEY": key},
        capture_output=True,
        text=True,
        timeout=SMOKE_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{demo.output()[-4000:]}"
    rows = {
        row["name"]: row["value"] for row in json.loads((tmp_path / "rows").read_text())["rows"]
    }
    left_out = {"doors", "databases", "machines"}
    assert {name for name, value in rows.items() if value == "left out"} == left_out
    assert {value for name, value in rows.items() if name not in left_out} == {"green"}
    (stream_id,) = json.loads((tmp_path / "kept").read_text()).values()
    assert demo.api.get(f"/streams/{stream_id}").json()["ends_at"] is not None
    assert f"{stream_id} ends at" in done.stdout


VICTIMS = ("prober", "node-2", "publisher", "ingest", "api", "collector", "payout", "scheduler")


def test_every_killed_part_is_told_and_started_again(demo: Demo) -> None:
    """All at once, and then the whole network works as before."""
    before = demo.children()
    for victim in VICTIMS:
        os.kill(before[victim], signal.SIGKILL)
    for victim in VICTIMS:
        demo.until_printed(f"{victim} (pid {before[victim]}) was killed by SIGKILL")

    def is_anew() -> bool:
        """The publisher may end once more, before there is an ingest again."""
        after = demo.children()
        same = {name for name in before if after.get(name) == before[name]}
        return set(after) == set(before) and same == set(before) - set(VICTIMS)

    demo.until(is_anew, "a new child in the place of every victim, and of nobody else")
    demo.until(demo.api_answers, "the api")
    checks = {node.node_id: node.checks_passed for node in demo.nodes()}
    demo.until(
        lambda: sum(n.checks_passed > checks[n.node_id] for n in demo.nodes_or_none()) == 2,
        "a passed check of both honest nodes",
    )


def test_an_interrupt_ends_everything_and_frees_every_port(demo: Demo) -> None:
    token, ports = demo.token(), demo.ports()
    assert demo.port in ports
    assert len(ports) > 5
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(STOP_SECONDS_MAX) == 0, demo.output()
    assert marked(token) == []
    assert ports.isdisjoint(port for port, _ in listening())


def test_nothing_outlives_a_demo_that_is_killed_while_it_starts(tmp_path: Path) -> None:
    with running(tmp_path / "killed", 1, "none") as demo:
        demo.until(lambda: "api" in demo.children(), "the api's process")
        token = demo.token()
        demo.process.kill()
        demo.process.wait()
        deadline_s = time.monotonic() + START_SECONDS_MAX
        while left := marked(token):
            assert time.monotonic() < deadline_s, f"{left} are left\n{demo.output()}"
            time.sleep(0.05)


def test_a_taken_port_is_named_with_who_holds_it() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        tried = subprocess.run(
            (sys.executable, "-m", "emulator", "demo"),
            cwd=ROOT,
            env={**TOOLS, "PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=START_SECONDS_MAX,
            check=False,
        )
    me = Path("/proc/self/comm").read_text().strip()
    assert tried.returncode == 1
    assert tried.stderr.strip() == (
        f"port {port} is held by {me} (pid {os.getpid()}): stop it, or choose another with PORT=…"
    )


def test_without_its_documents_a_demo_ends_with_one_sentence(tmp_path: Path) -> None:
    """Nothing of it is left."""
    with running(tmp_path / "over", 0, "none") as demo:
        demo.until_printed("pace: ")
        firestore, token = demo.children()["firestore"], demo.token()
        os.kill(firestore, signal.SIGKILL)
        assert demo.process.wait(START_SECONDS_MAX) == 1, demo.output()
        assert demo.output().splitlines()[-1] == (
            f"firestore (pid {firestore}) was killed by SIGKILL. It holds everything in memory, "
            "so this demo is over: start another with make demo."
        )
        assert marked(token) == []


def test_a_reader_who_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    """`make demo | head`."""
    words = f"PORT={free_port()} NODES=0 CHEATS=none DEMO_DIR={tmp_path}"
    done = subprocess.run(
        ("bash", "-c", f"make demo {words} | head -n 1; exit ${{PIPESTATUS[0]}}"),
        cwd=ROOT,
        env=TOOLS,
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


NAMES = ("node-1", "node-2", "node-3", "dead-1", "loop-1", "control-good", "control-bad")


def test_make_demo_shows_everything_on_a_small_terminal(tmp_path: Path) -> None:
    """Addresses and all nodes at once, each once, also when it is drawn narrower; and Ctrl-C ends
    it quietly."""
    port = free_port()
    env = {**TOOLS, "PYTHONSAFEPATH": "1", "PYTHONPATH": str(tmp_path), "PIP_USER": "1"}
    (tmp_path / "rich.py").write_text("raise SystemExit('a trap')\n")
    words = ("make", "demo", f"PORT={port}", f"DEMO_DIR={tmp_path}")
    addresses = (f"http://127.0.0.1:{port}/docs", "playlist", "rtmp://", "an hour 60 s")
    terminal = Terminal(words, ROOT, env, 80, 24)
    try:
        for columns in (80, 60):
            terminal.resize(columns)
            terminal.until_redrawn(3)
            terminal.until(*NAMES, *addresses, "healthy")
            shown = terminal.screen.all.splitlines()
            assert max(len(line) for line in shown[-16:]) <= columns
            for name in (*NAMES, "dashboard", "Ctrl-C stops"):
                assert sum(line.startswith(name) for line in shown) == 1, "\n".join(shown)
        status = terminal.interrupt()
    finally:
        terminal.close()
    assert "curl -X POST" in terminal.printed
    assert "***" not in terminal.printed
    assert "Traceback" not in terminal.printed
    assert status in (0, -signal.SIGINT), terminal.screen.all
    assert port not in [taken for taken, _ in listening()]
