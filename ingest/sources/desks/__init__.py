"""SaaS desks as sources: Zendesk, Freshdesk, Slack and HubSpot, through dlt (extra `desks`).

`walk` says where a desk is read and what is remembered, `rest` speaks HTTP through dlt's REST
source, `tell` makes our events; each desk's own file knows its API.
"""
