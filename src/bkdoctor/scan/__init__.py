"""The failed builds of a group or a project in a window of time: gathered, kept for the next time, counted."""
