"""Where the customers' part of the API stands."""

from django.urls import path

from customers import api

urlpatterns = [
    path("customers", api.CustomersView.as_view()),
    path("customers/smart-sync", api.SmartSyncView.as_view()),
    path("customers/resume-syncs", api.ResumeSyncsView.as_view()),
]
