"""A campaign: the whole real product at work, faults at random from a seed, and checks of what must hold.

__main__.py   the command line
campaign.py   a campaign from its start to its report
parts.py      the product's processes, and an operator who starts again what has died
people.py     agents and administrators, by the API
faults.py     what goes wrong
checks.py     what must hold; status.py: what `syncstatus` may say; erp_states.py: what the ERP showed, and when
lines.py      a line to the database that can fail; erp_line.py: one to the ERP
receivers.py  a mail server and a web address that get alerts, or do not
event_log.py  what happened, and what should not have
"""
