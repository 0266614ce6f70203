"""The answer as accounts: social budget, scheme accounts, identities."""
