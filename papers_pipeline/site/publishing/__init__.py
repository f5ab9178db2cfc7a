"""Publishing the built site: to a folder, over rsync, or to a branch."""
