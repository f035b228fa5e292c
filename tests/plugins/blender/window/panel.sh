# The picture of the panel for docs/blender.md: two people, a character for each, what each quality costs, a job.
. /mnt/host/inside.sh
export CLIP=two
open_blender "${SCRIPT:-panel_scene.py}"
xdotool mousemove 700 700; xdotool key ctrl+space
sleep 2
click 1406 278                    # Find People
picture panel_finding 1
sleep 14
xdotool mousemove 700 400
picture panel_found 5
click 1324 246                    # Replace
xdotool mousemove 700 400
picture panel_begun 6
picture panel_running 12
close_blender
