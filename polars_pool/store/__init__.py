"""The store of moments in files, and the sources of its rows."""
