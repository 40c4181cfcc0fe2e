"""Bytes that 0003 left out of the account where messages have a database of their own: it did not take them over there."""

from django.db import migrations


def take_over(apps, schema_editor):
    """Whose messages are all accounted for has lost no byte either: what is missing of those that came or went was stored."""
    alias = schema_editor.connection.alias
    for one in apps.get_model('services', 'Counters').objects.using(alias):
        if one.received == one.stored + sum(one.dropped.values()):
            one.stored_bytes = max(one.stored_bytes, one.bytes_in - sum(one.dropped_bytes.values()))
        if one.sent == one.sent_stored + sum(one.sent_dropped.values()):
            one.sent_stored_bytes = max(one.sent_stored_bytes, one.bytes_out - sum(one.sent_dropped_bytes.values()))
        one.save(using=alias, update_fields=['stored_bytes', 'sent_stored_bytes'])


class Migration(migrations.Migration):

    dependencies = [
        ('services', '0007_server_tls'),
    ]

    operations = [
        migrations.RunPython(take_over, migrations.RunPython.noop, hints={'model_name': 'counters'}),
    ]
