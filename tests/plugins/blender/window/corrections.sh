# Opens the points of the demo's clip in a window of their own, moves one there with G, and sends it.
. /mnt/host/inside.sh
rm -f /mnt/host/points_*.png /mnt/host/opened /mnt/host/go
open_blender corrections_scene.py
touch /mnt/host/go
until_there /mnt/host/opened 900
picture points_1_opened 3
xdotool mousemove ${AT:-700 400}; xdotool key g; sleep 0.3; xdotool mousemove_relative -- 40 -25; sleep 0.3; xdotool click 1
picture points_2_moved 1
click ${SEND:-1171 193}
picture points_3_sent 20
close_blender
