# One look at the tab as it opens, and with the timeline in all of the window.
. /mnt/host/inside.sh
open_blender "${SCRIPT:-scene.py}"
picture look 4
xdotool mousemove 700 700; xdotool key ctrl+space
picture look_full 2
close_blender
