"""What the pipeline costs, beside the bare floor measured in the same run."""
