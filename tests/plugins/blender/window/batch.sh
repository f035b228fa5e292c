# What `understudy blender-batch` does, in a Blender without a window: one begins a job and ends, another finishes it.
. /mnt/host/inside.sh
export UNDERSTUDY_HOME=/mnt/host/home
install_extension
rm -f /mnt/host/shot.blend
blender --background --python-exit-code 1 --python /mnt/host/batch_scene.py >/mnt/host/batch.log 2>&1
blender --background /mnt/host/shot.blend --python-exit-code 1 \
    --python-expr "import bpy; bpy.ops.understudy.batch(save=True)" >>/mnt/host/batch.log 2>&1
blender --background /mnt/host/shot.blend --python-exit-code 1 --python-expr "import bpy
[strip] = [each for each in bpy.context.scene.sequence_editor.strips if 'understudy_id' in each]
print('frames to come:', sum(each.filename == 'waiting.png' for each in strip.elements))" >>/mnt/host/batch.log 2>&1
