"""Addresses of the orders' part of the API."""

from rest_framework.routers import SimpleRouter

from orders.api import drafts, mirror

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("products", mirror.ProductViewSet)
router.register("prices", mirror.PriceViewSet)
router.register("orders", mirror.OrderViewSet)
router.register("ddt", mirror.DdtViewSet)
router.register("invoices", mirror.InvoiceViewSet)
router.register("drafts", drafts.DraftViewSet)

urlpatterns = router.urls
