"""Where the agents' pages stand."""

from django.urls import path

from orders import customer_pages, pages

urlpatterns = [
    path("orders/new", pages.order_form, name="order_form"),
    path("drafts", pages.drafts, name="drafts"),
    path("drafts/<key:draft_id>", pages.draft_form, name="draft_form"),
    path("drafts/<key:draft_id>/print", pages.draft_print, name="draft_print"),
    path("drafts/<key:draft_id>/outcome", pages.draft_outcome, name="draft_outcome"),
    path("customers", customer_pages.customers, name="customers"),
    path("customers/<key:customer_id>", customer_pages.customer_page, name="customer"),
    path("customers/<key:customer_id>/panel", customer_pages.customer_panel, name="customer_panel"),
]
