"""How the database finds the rows of a query."""

from django.db import connection


def explain(query: str) -> str:
    """The plan of a query, as if its tables were too long to be read whole, or to be sorted."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("EXPLAIN " + query)
        else:
            cursor.execute("EXPLAIN QUERY PLAN " + query)
        return "\n".join(str(row[-1]) for row in cursor)
