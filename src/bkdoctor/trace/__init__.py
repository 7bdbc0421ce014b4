"""From bytes to a Log and its Facts."""
