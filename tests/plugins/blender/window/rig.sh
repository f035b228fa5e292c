# Drives by a rig in a window, as the button does: frames are looked at while the window answers; then the skeleton.
. /mnt/host/inside.sh
rm -f /mnt/host/rig_*.png /mnt/host/driven.json
open_blender rig_scene.py
picture rig_1_open 2
touch /mnt/host/go
until_there /mnt/host/driven.json 400
xdotool mousemove 1390 700; for _ in $(seq 12); do xdotool click 5; sleep 0.05; done   # to the panel's end
picture rig_2_driven 2
close_blender
