"""The web app: dashboard, uploads, plans, health and metrics.

Belongs here: pages and what guards them. Does not: figures (`dbt_project`), use cases (`services`).
"""
