"""What `make cheats` may be asked for."""

import pytest

from bench.cheats import main


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--cheats", "loop,lat"], "no cheat is called lat: "),
        (["--cheats", "none", "--kinds", "nobody-publishes-this"], "nothing is left"),
    ],
)
def test_a_wrong_name_is_told_before_anything_is_started(
    asked: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(asked)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
