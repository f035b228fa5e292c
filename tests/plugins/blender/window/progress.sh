# A job as it is seen on the timeline: begun, half made, finished; then a second take, and its version.
. /mnt/host/inside.sh
open_blender progress.py
xdotool mousemove 760 845  # over nothing that has a tooltip
for name in begun half late finished second versions opened; do
    until_there "/mnt/host/at_$name" 900
    picture "progress_$name" 0.6
    touch "/mnt/host/seen_$name"
done
close_blender
