"""From jobs that build with kaniko or with docker build to the same jobs with BuildKit."""
