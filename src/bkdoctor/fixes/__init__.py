"""From a Finding and Facts to the changes that cure it."""
