"""Addresses of the customers' part of the API."""

from rest_framework.routers import SimpleRouter

from customers.api import CustomerViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("customers", CustomerViewSet)

urlpatterns = router.urls
