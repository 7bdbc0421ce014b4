"""The only code that talks to GitLab."""
