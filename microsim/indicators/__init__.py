"""What is measured: mergeable statistics of poverty, inequality, coverage and incidence."""
