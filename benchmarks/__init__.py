"""Scripts that measure bkdoctor beside something else; run them as `python -m benchmarks.NAME`."""
