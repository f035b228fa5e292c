"""A model that is larger than its device: weights come from the host's memory while they are needed."""
