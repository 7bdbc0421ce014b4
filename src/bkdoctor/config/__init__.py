"""What is known of the configuration files around a build: config.toml, buildkitd.toml, kaniko's options."""
