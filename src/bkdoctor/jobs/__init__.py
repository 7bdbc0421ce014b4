"""Many jobs of a GitLab: which of them build images, what each failed for, and which failed for one reason."""
