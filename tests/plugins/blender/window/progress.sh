# A job as it is seen on the timeline: begun, half made, finished; then a second take, and its version.
. /mnt/host/inside.sh
rm -f /mnt/host/at_* /mnt/host/seen_*
open_blender progress.py
for name in begun half late finished second versions opened; do
    until_there "/mnt/host/at_$name" 2400
    xdotool mousemove 700 560 sleep 0.2 mousemove 705 563  # over nothing that has a tooltip
    picture "progress_$name" 0.6
    touch "/mnt/host/seen_$name"
done
close_blender
