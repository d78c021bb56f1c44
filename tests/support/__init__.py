"""Helpers that tests of several rooms share; no tests here, and nothing that imitates a part that could run itself."""
