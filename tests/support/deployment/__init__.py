"""What deploys, builds and watches: the tools and their files."""
