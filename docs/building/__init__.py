"""What Sphinx is not told by settings: a noun per file, used by `conf.py`.

- `equations`: the first lines of docstrings as mathematics
- `docstrings`: the rest of them, and the types in signatures
- `mathematics`: formulas as MathML, which needs no script
- `names`: `Dense` on any page leads to the reference
- `examples`, `gallery`: which there are, and how they are run and shown
- `pictures`: what pages show that no example draws
- `site`: whether all links of the finished pages lead somewhere
"""
