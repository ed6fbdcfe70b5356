"""Parameters and names of what costmaps are shown."""
