"""Compiling on the first example takes longer than hypothesis' deadline: no deadline."""

from hypothesis import settings

settings.register_profile("compiled", deadline=None)
settings.load_profile("compiled")
