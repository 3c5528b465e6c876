"""What users write: suites, collected and validated, and the known issues of libraries."""
