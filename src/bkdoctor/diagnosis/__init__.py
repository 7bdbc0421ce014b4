"""From a Log and a Catalog to Findings."""
