"""Starting, stopping and guarding the processes."""
