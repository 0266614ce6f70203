"""One run from question to answer: plan, work unit, run, household cases, explain."""
