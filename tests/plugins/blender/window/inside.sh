# Sourced by the steps: installs the extension, opens Blender with the scene of scene.py, and knows how to point.
set -euo pipefail
export BLENDER_USER_RESOURCES=/tmp/blender-understudy$DISPLAY
rm -rf "$BLENDER_USER_RESOURCES"; mkdir -p "$BLENDER_USER_RESOURCES"

install_extension() { blender --command extension install-file -r user_default -e /mnt/host/understudy.zip >/mnt/host/install.log 2>&1; }

open_blender() {  # SCRIPT: opens Blender, and waits until SCRIPT has written /mnt/host/ready
    rm -f /mnt/host/ready
    install_extension
    blender --gpu-backend opengl --window-geometry 0 0 1600 900 --python "/mnt/host/$1" >/mnt/host/blender.log 2>&1 &
    blender=$!
    for _ in $(seq 300); do [ -e /mnt/host/ready ] && break; sleep 0.1; done
    sleep 1
}

close_blender() { kill "$blender" 2>/dev/null || true; wait "$blender" 2>/dev/null || true; }

click() { xdotool mousemove "$1" "$2"; sleep 0.3; xdotool click "${3:-1}"; sleep 0.3; }  # X Y [BUTTON]

picture() { sleep "${2:-0.5}"; import -window root "/mnt/host/$1.png"; }  # NAME [SECONDS to wait before]

until_there() { for _ in $(seq "${2:-600}"); do [ -e "$1" ] && return; sleep 0.1; done; echo "no $1" >&2; }  # FILE [TENTHS]
