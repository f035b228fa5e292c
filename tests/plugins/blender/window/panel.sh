# The picture of the panel for docs/blender.md: two people, a character for each, what each quality costs, a job.
. /mnt/host/inside.sh
export CLIP=two
open_blender "${SCRIPT:-panel_scene.py}"
xdotool mousemove 700 700; xdotool key ctrl+space
sleep 2
click 1406 278                    # Find People
sleep "${FIND_S:-12}"
click 1530 470                    # the line about the model has been read
xdotool mousemove 700 400
picture panel_found 3
click 1324 246                    # Replace
xdotool mousemove 700 400
picture panel_begun 6
picture panel_running "${RUN_S:-30}"
close_blender
