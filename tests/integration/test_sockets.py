"""The kernel's counters of a process's connections: its own, all of them, and nobody else's."""

import os
import socket
import subprocess
import sys

from agent.relay.engines.sockets import sockets_of


def _pair(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection of this process."""
    caller = socket.create_connection(listener.getsockname())
    return caller, listener.accept()[0]


def test_all_connections_of_a_process_are_found_with_what_they_carried() -> None:
    """Also behind a file that was closed since it was listed, as the list's own always is."""
    first = os.open("/dev/null", os.O_RDONLY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        caller, called = _pair(listener)
        with caller, called:
            os.close(first)  # the lowest free number is the list's own
            caller.sendall(b"7 bytes")
            assert called.recv(7) == b"7 bytes"
            ours, theirs = caller.getsockname()[1], called.getsockname()[1]
            found = {each.local_port: each for each in sockets_of(os.getpid())}
    opening = 1  # the kernel counts the acknowledged SYN as a byte
    assert (found[ours].bytes_sent, found[theirs].bytes_received) == (7 + opening, 7)


def test_connections_of_others_are_not_a_process_s_own() -> None:
    """Other programs may talk to the same ingest."""
    waits = (sys.executable, "-c", "input()")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        caller, called = _pair(listener)
        with caller, called, subprocess.Popen(waits, stdin=subprocess.PIPE) as child:
            assert sockets_of(child.pid) == []
            assert sockets_of(os.getpid()) != []
            child.communicate(b"\n")
