"""Says why a container image build failed in GitLab CI, and what to change."""

__version__ = "0.1.0"
