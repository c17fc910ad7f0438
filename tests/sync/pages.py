"""What tests of the admin's pages share."""

from django.contrib.messages import get_messages
from django.urls import reverse

from sync.models import SyncRun


def url(model, page, *args, **query):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args, query=query or None)


def html_of(client, address):
    return client.get(address).content.decode()


def run_page(client, run):
    return html_of(client, url(SyncRun, "change", run.pk))


def shown(client, model, **query):
    return list(client.get(url(model, "changelist", **query)).context["cl"].result_list)


def said(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]
