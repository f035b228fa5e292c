# Quits while a job runs, by File > Quit's operator, or with BY_KEY=yes by Ctrl+Q; how, stands in quit.json. Then another
# Blender opens the file (or AGAIN=/tmp/quit.blend, which Recover Last Session opens) and finishes the job, unless FINISH=no.
. /mnt/host/inside.sh
rm -f /mnt/host/shot.blend /mnt/host/quit.json /mnt/host/half
export UNDERSTUDY_HOME=/mnt/host/home
open_blender quit_scene.py
until_there /mnt/host/half 1200
before=$(date +%s%N)
if [ "${BY_KEY:-}" ]; then xdotool mousemove 700 700 key ctrl+q; else touch /mnt/host/quit; fi
code=0; wait "$blender" || code=$?
echo "{\"exit_code\": $code, \"seconds\": $((($(date +%s%N) - before) / 1000000))e-3}" >/mnt/host/quit.json
[ "${FINISH:-yes}" = yes ] || exit 0
blender --background "${AGAIN:-/mnt/host/shot.blend}" --python-exit-code 1 \
    --python-expr "import bpy; bpy.ops.understudy.batch(save=True)" >/mnt/host/again.log 2>&1
