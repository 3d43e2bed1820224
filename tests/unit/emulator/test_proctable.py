"""What is read out of /proc, on samples and on a folder laid out like it."""

from pathlib import Path

from emulator.processes.proctable import MARK, Holder, holder_of, listening_inodes, marked

HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
)
TCP = HEAD + (
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "31337 1 0000000000000000 100 0 0 10 0\n"
    "   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 "
    "40009 1 0000000000000000 20 4 30 10 -1\n"
    "   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "11 1 0000000000000000 100 0 0 10 0\n"
)
TCP6 = HEAD + (
    "   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 71 1 0000000000000000 100 0 0 10 0\n"
)


def test_only_sockets_that_listen_on_the_port_are_found() -> None:
    assert listening_inodes(TCP, 8080) == {31337}
    assert listening_inodes(TCP, 22) == {11}
    assert listening_inodes(TCP, 54321) == set()


def test_the_ipv6_table_is_read_likewise() -> None:
    assert listening_inodes(TCP6, 80) == {71}


def test_a_table_cut_short_is_no_error() -> None:
    assert listening_inodes(TCP[: len(HEAD) + 40], 8080) == set()
    assert listening_inodes("", 8080) == set()


def test_the_holder_of_a_port_is_named(tmp_path: Path) -> None:
    _process(tmp_path, 41, "sshd", sockets=[11])
    _process(tmp_path, 43, "nginx", sockets=[7, 31337])
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(TCP)
    (tmp_path / "net" / "tcp6").write_text(TCP6)
    assert holder_of(8080, tmp_path) == Holder("nginx", 43)
    assert str(holder_of(8080, tmp_path)) == "nginx (pid 43)"


def test_a_port_of_a_process_that_hides_its_sockets_has_no_known_holder(tmp_path: Path) -> None:
    _process(tmp_path, 41, "sshd", sockets=[11])
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(TCP)
    assert holder_of(8080, tmp_path) is None
    assert holder_of(9999, tmp_path) is None


def test_processes_are_found_by_their_mark_and_by_what_is_below_it(tmp_path: Path) -> None:
    _process(tmp_path, 2, "a", environ=f"PATH=/bin\0{MARK}=2357/node-1\0")
    _process(tmp_path, 3, "b", environ=f"{MARK}=2357\0")
    _process(tmp_path, 5, "c", environ=f"{MARK}=2357/node-11\0")
    _process(tmp_path, 7, "d", environ=f"{MARK}=23571113\0X={MARK}=2357\0")
    _process(tmp_path, 11, "gone")
    assert sorted(marked("2357", tmp_path)) == [2, 3, 5]
    assert sorted(marked("2357/node-1", tmp_path)) == [2]


def _process(
    proc: Path, pid: int, name: str, *, sockets: list[int] | None = None, environ: str = ""
) -> None:
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n")
    if environ:
        (folder / "environ").write_text(environ)
    (folder / "fd" / "0").symlink_to("/dev/null")
    for i, inode in enumerate(sockets or [], start=1):
        (folder / "fd" / str(i)).symlink_to(f"socket:[{inode}]")
