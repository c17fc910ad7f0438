"""A run that meets an ERP that is not trusted ends with the reason, and nothing of it is kept."""

from itertools import chain, repeat

import pytest
from django.utils import translation

from sync.coordinator import queue, runner
from sync.models import SyncRun
from tests.erp.hostile_erp import LIST, head, hostile_erp, page, redirect, without_end

Status = SyncRun.Status


@pytest.fixture
def run_against(transactional_db, network, settings, tmp_path):
    settings.EXPORT_DIR, settings.EXPORT_MAX_BYTES = tmp_path / "kept", 10_000
    settings.ERP_USERNAME, settings.ERP_PASSWORD = "agente", "segreto-7"

    def run_against(answer):
        run = queue.request_sync("prices", trigger=SyncRun.Trigger.MANUAL)
        with hostile_erp(nowhere=answer) as erp:
            settings.ERP_URL = erp.url
            runner.wait_for(run)
            assert not erp.elsewhere.connections
        assert not list(settings.EXPORT_DIR.iterdir())
        return run

    return run_against


def test_one_that_leads_elsewhere(run_against):
    run = run_against(lambda erp: redirect(f"http://{erp.elsewhere.address}/erp/"))
    assert (run.status, run.error_class) == (Status.FAILED, "ErpLeadsElsewhere")
    other, own = run.error_facts["address"], run.error_facts["url"]
    with translation.override("it"):
        assert run.error_sentence == (
            f"L'ERP rimanda a {other}, fuori da ERP_URL ({own}): lì non è stato inviato niente. Se anche "
            f"quell'indirizzo è dell'ERP, imposta ERP_URL su {other}/erp; altrimenti avvisa chi gestisce l'ERP."
        )


def test_one_whose_page_has_no_end(run_against):
    run = run_against(lambda erp: without_end(head("Content-Type: text/html"), b"<br>" * 999))
    assert (run.status, run.not_before is None) == (Status.QUEUED, False)
    [attempt] = run.ended_attempts
    assert attempt["error"] == "ErpAnswerUnexpected"
    assert "its page has more than 4194304 bytes" in attempt["text"]


def test_one_whose_export_has_no_end(run_against):
    filtered = f'<input type="hidden" name="Cb_VI" value="ActivePrices">{LIST}'
    answers = chain([lambda: page(filtered)], repeat(lambda: without_end(head(), b"%PDF" * 999)))
    run = run_against(lambda erp: next(answers)())
    assert (run.status, run.error_class) == (Status.FAILED, "ExportTooLarge")
    assert "is over the limit of 10000. If it is genuine, raise EXPORT_MAX_BYTES" in run.error_text
