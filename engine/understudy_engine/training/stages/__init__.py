"""nano's own training, a stage a module: the trainer, its checkpoints, what feeds it, and the stages.

``scripts/train_nano.py`` is the way in; docs/training.md says which stage follows which.
"""
