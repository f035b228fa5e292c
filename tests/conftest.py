"""How long an example of hypothesis takes says nothing where tests run side by side: pytest-timeout ends what hangs."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
