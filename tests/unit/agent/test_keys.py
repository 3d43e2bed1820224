"""The key file: made once, whole, private, and never replaced."""

import errno
import os
from pathlib import Path

import pytest

from agent.node_key import MARK_KEY_FILE, KeyFileError, is_key, load_or_create_key, node_id_of

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


def counting(size: int) -> bytes:
    """Bytes 0, 1, 2, … in place of random ones."""
    return bytes(range(size))


def test_the_first_start_makes_a_private_key_and_later_ones_read_it(tmp_path: Path) -> None:
    assert load_or_create_key(tmp_path / "new" / "data", counting) == (KEY, [])
    path = tmp_path / "new" / "data" / "node.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["node.key"]
    assert load_or_create_key(path.parent, lambda size: b"\xff" * size) == (KEY, [])


def test_keys_of_two_nodes_differ(tmp_path: Path) -> None:
    assert load_or_create_key(tmp_path / "a")[0] != load_or_create_key(tmp_path / "b")[0]


def test_the_node_id_is_derived_as_the_contract_says() -> None:
    # From another program: openssl pkey -pubout -outform DER | tail -c 32 |
    # openssl dgst -sha256 -binary | base32 | tr A-Z a-z | cut -c1-19
    assert node_id_of(KEY) == "nkzdvvj2umnduyauf35o"


@pytest.mark.parametrize(
    "content",
    [
        "",
        KEY[:42],
        f"ed25519:{KEY[:42]}",
        f"ed25519:{KEY}A",
        f"ed25519:{KEY[:42]}=",
        f"ed25519:{KEY[:42]}9",
        f"rsa:{KEY}",
        f"ed25519:ed25519:{KEY}",
        "é" * 43,
    ],
)
def test_a_damaged_key_is_an_error_and_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "node.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"node\.key is damaged .*restore it from a copy"):
        load_or_create_key(tmp_path)
    assert path.read_text() == content


def test_a_key_that_others_could_read_is_made_private_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    path.write_text(f"ed25519:{KEY}\n")
    path.chmod(0o644)
    key, warnings = load_or_create_key(tmp_path)
    assert key == KEY
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(warnings) == 1
    assert "0644" in warnings[0]


def test_a_readable_key_that_cannot_be_changed_starts_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orchestrators mount keys read-only, and readable for a group."""

    def refuse(_: Path, __: int) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    (tmp_path / "node.key").write_text(f"ed25519:{KEY}")
    (tmp_path / "node.key").chmod(0o640)
    monkeypatch.setattr(Path, "chmod", refuse)
    key, (warning,) = load_or_create_key(tmp_path)
    assert key == KEY
    assert "that cannot be changed here (Read-only file system)" in warning


def test_a_key_that_was_told_to_a_coordinator_signs_nothing(tmp_path: Path) -> None:
    """Earlier agents sent their key as it is; whoever was told it could sign by it."""
    path = tmp_path / "node.key"
    path.write_text(KEY)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"node\.key is of an earlier agent.*Delete it"):
        load_or_create_key(tmp_path)
    assert path.read_text() == KEY
    (tmp_path / "marks.key").write_text(KEY)  # an ingest's signs marks, and was never sent
    (tmp_path / "marks.key").chmod(0o600)
    assert load_or_create_key(tmp_path, name=MARK_KEY_FILE) == (KEY, [])


def test_a_folder_in_the_key_s_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "node.key").mkdir()
    with pytest.raises(KeyFileError, match="is not a file"):
        load_or_create_key(tmp_path)


def test_a_data_dir_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFileError, match="volume at /data"):
        load_or_create_key(tmp_path / "file" / "data")


def test_a_draft_left_by_a_crash_is_no_obstacle(tmp_path: Path) -> None:

    (tmp_path / f".node.key.{os.getpid()}").write_text("half")
    assert load_or_create_key(tmp_path, counting)[0] == KEY


def test_only_canonical_base64_of_32_bytes_is_a_key() -> None:
    assert is_key(KEY)
    assert not is_key(KEY.replace("A", "/", 1))
    assert not is_key("")
