# A first swap as an artist makes it: find people, choose, add the picture, Replace, wait; a picture at each step. The
# timeline fills the window (Ctrl+Space), so that all of the tab is seen. Blender 4.3 has the strips elsewhere:
#   CLIP_AT="346 637" HERO_AT="346 731" run.sh trixie FOLDER first_swap.sh
. /mnt/host/inside.sh
rm -f /mnt/host/finished
open_blender "${SCRIPT:-scene.py}"
xdotool mousemove 700 700; xdotool key ctrl+space
picture swap_1_open 4
click ${FIND_AT:-1406 278}                    # Find People
picture swap_2_finding 0.7
picture swap_3_found 12
click ${CLIP_AT:-401 703}                     # the clip's strip
xdotool keydown shift; click ${HERO_AT:-401 760}; xdotool keyup shift   # and the picture's
picture swap_4_selected 6
click ${REPLACE_AT:-1324 246}                 # Replace
picture swap_5_begun 3
picture swap_6_running 10
picture swap_7_later 20
until_there /mnt/host/finished 2400
picture swap_8_finished 2
close_blender
