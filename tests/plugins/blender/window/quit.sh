# Quits while a job runs, as File > Quit does, once with the file saved and once without; then opens the file again and
# finishes the job. What came of it stands in quit.json.
. /mnt/host/inside.sh
rm -f /mnt/host/shot.blend /mnt/host/quit.json /mnt/host/half
export UNDERSTUDY_HOME=/mnt/host/home
open_blender quit_scene.py
until_there /mnt/host/half 1200
before=$(date +%s%N)
if [ "${ASK:-}" ]; then
    xdotool mousemove 700 700 key ctrl+q
    picture quit_1_asked 2  # Blender asks whether the file is to be saved
    click ${DISCARD_AT:-800 487}
else
    touch /mnt/host/quit
fi
code=0; wait "$blender" || code=$?
echo "{\"exit_code\": $code, \"seconds\": $((($(date +%s%N) - before) / 1000000))e-3}" >/mnt/host/quit.json
blender --background "${AGAIN:-/mnt/host/shot.blend}" --python-exit-code 1 \
    --python-expr "import bpy; bpy.ops.understudy.batch(save=True)" >/mnt/host/again.log 2>&1
