"""Household-level microsimulation of social protection: law, households, social budget."""

__version__ = "0.1.0"
