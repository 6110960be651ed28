"""Optimizers: each is a formula on two flat vectors, one family a file."""
