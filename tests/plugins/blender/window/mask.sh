# Draws a mask in a window, as the button does: how long the window was held at a time stands in masked.json.
. /mnt/host/inside.sh
rm -f /mnt/host/masked.json
open_blender mask_scene.py
touch /mnt/host/go
until_there /mnt/host/masked.json 400
picture mask_drawn 1
close_blender
