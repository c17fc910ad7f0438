from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sync", "0003_run_list"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="syncrun",
            options={
                "ordering": ("-requested_at", "-pk"),
                "permissions": [
                    ("accept_syncrun", "Can accept a quarantined export"),
                    ("request_syncrun", "Can ask for a sync, try one again, or cancel it"),
                    ("download_export", "Can download a run's export"),
                ],
                "verbose_name": "run",
                "verbose_name_plural": "runs",
            },
        ),
        migrations.AlterField(
            model_name="syncevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("run_queued", "run queued"),
                    ("run_strengthened", "run made more urgent or thorough"),
                    ("run_merged", "run merged"),
                    ("run_started", "run started"),
                    ("run_succeeded", "run succeeded"),
                    ("run_failed", "run failed"),
                    ("run_quarantined", "run quarantined"),
                    ("run_cancelled", "run cancelled"),
                    ("run_cancel_requested", "cancelling requested"),
                    ("run_preempted", "run stepped aside"),
                    ("run_handed_back", "run given back by a stopping worker"),
                    ("run_lost", "run lost with its process"),
                    ("run_to_be_retried", "run to be tried again"),
                    ("export_downloaded", "export downloaded"),
                    ("session_opened", "order form opened"),
                    ("session_closed", "order form left"),
                    ("session_expired", "order form given up"),
                    ("lock_taken_over", "lock taken over from a dead process"),
                    ("lock_broken", "lock broken"),
                    ("schedule_changed", "schedule changed"),
                    ("health_changed", "state changed"),
                ],
                max_length=30,
                verbose_name="kind",
            ),
        ),
    ]
