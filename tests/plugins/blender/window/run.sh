#!/usr/bin/env bash
# A windowed Blender with the extension, beside a real server with nano: to click through, and to take pictures of.
#
#   tests/plugins/blender/window/run.sh sid FOLDER STEPS [WORD ...]     (trixie: Blender 4.3)
#
# FOLDER is seen as /mnt/host by the server and by Blender alike, which lives in a chroot: a file has one path for both,
# so the server takes it where it lies. STEPS is a shell script of this folder, run inside with the screen at :77; it
# finds the zip, demo files and scripts in /mnt/host, and leaves its pictures there. Needs root, a network for the first
# time, and the tool that installs such a Blender (WINDOWED, by default ../shared/tools/windowed-blender).
set -euo pipefail
suite=${1:?suite: sid or trixie}; share=$(realpath -m "${2:?folder}"); steps=${3:?steps}; shift 3
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../../../.." && pwd)
tool=${WINDOWED:-$root/../shared/tools/windowed-blender}; bin=$root/.venv/bin
mkdir -p "$share" /mnt/host
cp "$here"/*.py "$here"/*.sh "$share"
"$bin/python" "$root/scripts/build_plugins.py" --platform host >/dev/null
cp "$root"/dist/understudy-*-linux-x64.zip "$share/understudy.zip"
[ -e "$share/demo/clip.mp4" ] || "$bin/python" "$here/footage.py" "$share/demo"
if [ "${SERVER:-yes}" = yes ]; then
    unshare -m sh -c 'mount --bind "$1" /mnt/host; exec "$2" serve --root /mnt/host --data-folder /mnt/host/home' \
        sh "$share" "$bin/understudy" >"$share/server.log" 2>&1 &
    server=$!
    trap 'kill -9 $server 2>/dev/null; wait $server 2>/dev/null || true' EXIT  # a shot that is half made is not waited for
    for _ in $(seq 300); do [ -e "$share/home/endpoint.json" ] && break; sleep 0.1; done
fi
SHARE=$share "$tool" "$suite" bash "/mnt/host/$steps" "$@"
