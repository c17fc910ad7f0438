"""Where the agents' pages stand."""

from django.urls import path

from orders import pages

urlpatterns = [
    path("orders/new", pages.order_form, name="order_form"),
    path("drafts", pages.drafts, name="drafts"),
    path("drafts/<key:draft_id>", pages.draft_form, name="draft_form"),
    path("drafts/<key:draft_id>/print", pages.draft_print, name="draft_print"),
]
