"""The tests, one file for each file of the package, and some for all of it."""
