"""Synthesis of a national population from published figures."""
