"""What the law says: parameters, schemes, systems, reforms."""
