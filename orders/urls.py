"""Where the orders' part of the API stands."""

from django.urls import path

from orders.api import drafts, mirror

urlpatterns = [
    path("products", mirror.ProductsView.as_view()),
    path("prices", mirror.PricesView.as_view()),
    path("prices/lookup", mirror.PriceLookupView.as_view()),
    path("orders", mirror.OrdersView.as_view()),
    path("ddt", mirror.DdtView.as_view()),
    path("invoices", mirror.InvoicesView.as_view()),
    path("drafts", drafts.DraftsView.as_view()),
    path("drafts/preview", drafts.PreviewView.as_view()),
    path("drafts/<key:draft_id>", drafts.DraftView.as_view(), name="draft"),
    path("drafts/<key:draft_id>/restore", drafts.RestoreView.as_view()),
]
