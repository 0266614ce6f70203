"""The question asked: system, year, population, reforms."""
