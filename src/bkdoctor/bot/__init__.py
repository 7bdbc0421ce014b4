"""The webhook bot: from GitLab's events to one note on each merge request whose image build failed."""
