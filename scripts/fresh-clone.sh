#!/usr/bin/env bash
# Proves that a clone works from nothing: an empty folder, an empty home with an empty cargo home,
# no virtual environment; then `cargo course setup`, `cargo course run 00`, and `cargo scope classify` of
# a picture by fetched weights (or those of CONVSCOPE_MIRROR, a folder). Reports the time and
# the disk it took, and what was written outside the clone.
#
#   scripts/fresh-clone.sh [FOLDER]
#
# FOLDER must not exist; without it, a temporary folder is used and removed afterwards.
# It takes about a quarter of an hour, too long for every change.
set -euo pipefail

source=$(cd "$(dirname "$0")/.." && pwd)
if [ $# -gt 0 ]; then
    [ ! -e "$1" ] || { echo "$1 exists already: name a folder that does not" >&2; exit 1; }
    mkdir -p "$1"
    folder=$(cd "$1" && pwd)
else
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi

# Where the tools themselves are, which a home of its own would hide.
export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
[ ! -d "${PYENV_ROOT:-$HOME/.pyenv}" ] || export PYENV_ROOT=${PYENV_ROOT:-$HOME/.pyenv}
[ ! -f "$HOME/.config/pip/pip.conf" ] || export PIP_CONFIG_FILE=$HOME/.config/pip/pip.conf
settings=${CARGO_HOME:-$HOME/.cargo}/config.toml
export HOME=$folder/home CARGO_HOME=$folder/home/.cargo
unset VIRTUAL_ENV CONVSCOPE_HOME CONVSCOPE_DATA CONVSCOPE_PROGRESS CARGO_TARGET_DIR
mkdir -p "$CARGO_HOME"
# A cargo behind a proxy or with a mirror of crates keeps it.
[ ! -f "$settings" ] || cp "$settings" "$CARGO_HOME/"

clone=$folder/convscope
git clone --quiet "$source" "$clone"
cd "$clone"
printf 'A clone of %s\n' "$(git log -1 --format='%h %s')"

timed() {
    local start=$SECONDS
    printf '\n=== %s\n' "$*"
    "$@"
    printf '=== %s: %d s\n' "$*" $((SECONDS - start))
}
timed cargo course setup
timed cargo course run 00
timed cargo course fetch squeezenet1_0
timed cargo scope classify squeezenet1_0 data/photos/*.png
# What is set up stays so: this must take seconds.
timed cargo course setup

printf '\nDisk:\n'
du -sh .convscope target "$CARGO_HOME" | sed 's/^/  /'

# The project promises to write nothing outside its folder but the caches of cargo and pip.
outside=$(cd "$HOME" && find . -type f ! -path './.cargo/*' ! -path './.cache/pip/*' \
    ! -path './Library/Caches/pip/*' | head -20)
changed=$(git status --porcelain)
if [ -n "$outside" ]; then
    printf '\nWritten outside the clone:\n%s\n' "$outside"
    exit 1
fi
if [ -n "$changed" ]; then
    printf '\nChanged in the clone:\n%s\n' "$changed"
    exit 1
fi
printf '\nThe fresh clone works, and nothing was written outside it.\n'
