"""Addresses of the orders' part of the API."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from orders.api import (
    customer_overview,
    delivery_addresses,
    documents,
    drafts,
    pasted_lists,
    price_lookup,
    prices,
    products,
    usual_products,
)

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("products", products.ProductViewSet)
router.register("prices", prices.PriceViewSet)
router.register("orders", documents.OrderViewSet)
router.register("ddt", documents.DdtViewSet)
router.register("invoices", documents.InvoiceViewSet)
router.register("drafts", drafts.DraftViewSet)

urlpatterns = [
    path("products/lookup", pasted_lists.PastedListView.as_view(), name="product-lookup"),
    path("prices/lookup", price_lookup.LookupView.as_view(), name="price-lookup"),
    path(
        "customers/<key:customer_id>/usual-products",
        usual_products.UsualProductsView.as_view(),
        name="usual-products",
    ),
    path(
        "customers/<key:customer_id>/delivery-addresses",
        delivery_addresses.DeliveryAddressesView.as_view(),
        name="delivery-addresses",
    ),
    path(
        "customers/<key:customer_id>/overview",
        customer_overview.CustomerOverviewView.as_view(),
        name="customer-overview",
    ),
    *router.urls,
]
