"""The rule language: expressions, types and units, compiler, reference interpreter, trace."""
