"""Simulated days: the coordinator and an ERP client at work on the demo ERP, day after day, by a clock that is moved.

__main__.py    the command line
plan.py        what happens on which day, drawn from a seed
simulation.py  the days themselves: the clock, the worker, agents, and what happens to the ERP
checks.py      what must hold at every rest, and the report of each day
sabotage.py    what must never be, done on purpose, so that each check is seen to find it
"""
