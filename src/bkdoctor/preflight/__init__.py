"""The preflight: a script that checks a job's container before it builds, and what its output means."""
