#!/usr/bin/env bash
# Makes a virtual environment from locked requirements: emulator/venv.sh FOLDER/STAMP LOCK...
# The stamp, which is made last, names the locks' content: a folder without any was never finished, and is made anew.
# PYTHON3 names another interpreter than the first good one on PATH.
set -euo pipefail
stamp=$1 folder=${1%/*}
shift

# Nothing of the user's own Python shall reach into the environment, or take what is meant for it.
unset PYTHONPATH PYTHONHOME PYTHONSAFEPATH PIP_TARGET PIP_PREFIX PIP_ROOT
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0

# Two at once, or what an interrupted one has left running: whoever holds the lock goes first.
exec 9>"$folder.lock"
if ! flock --nonblock 9; then
    echo "waiting for another set-up of $folder to end"
    flock 9
fi
if [ -e "$stamp" ]; then
    exit
fi

is_good() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON3:-python3 python3.13 python3.12 python3.11}; do
        if is_good "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 or later is missing: install it, or name one with PYTHON3=…" >&2
    return 1
}

as_administrator() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Debian packages venv apart from Python; the sentence is what we say when we may not install it.
make_venv() {
    local python=$1
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        local version
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "installing python$version-venv"
        # dpkg first ends what an interrupted installation has left half done.
        if ! { as_administrator dpkg --configure -a && as_administrator apt-get update -q && as_administrator env \
            DEBIAN_FRONTEND=noninteractive apt-get install -q -y "python$version-venv"; }; then
            echo "Install as an administrator: apt-get install python$version-venv" >&2
            return 1
        fi
    fi
    "$python" -m venv "$folder"
}

if ! is_good "$folder/bin/python" || ! compgen -G "$folder/.locked-*" >/dev/null; then
    rm -rf "$folder"
    make_venv "$(find_python)"
fi
rm -f "$folder"/.locked-*
echo "installing the locked requirements into $folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes "${@/#/--requirement=}"
touch "$stamp"
