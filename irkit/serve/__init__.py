"""Pipelines and recommenders in front of people and tools: what is served, its bounds, and the ways to ask for it.

`library.py` answers plain questions with plain values, within `limits.py`; `rest.py` is the door for programs, and
whoever opens another door asks the same library. Work is done by the threads of `workers.py`.
"""
