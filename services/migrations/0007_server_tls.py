"""Servers of before there was TLS say how they speak it as all others do: with every field, and off."""

from django.db import migrations, models

import services.models

OFF = {"mode": "off", "certificate": "", "client": "none", "client_ca": "", "minimum": "1.2"}


def fill_in(apps, schema_editor):
    servers = apps.get_model('services', 'Server').objects.using(schema_editor.connection.alias)
    servers.filter(tls={}).update(tls=OFF)


class Migration(migrations.Migration):

    dependencies = [
        ('services', '0006_tls'),
    ]

    operations = [
        migrations.AlterField(
            model_name='server',
            name='tls',
            field=models.JSONField(blank=True, default=services.models.default_tls),
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop, hints={'model_name': 'server'}),
    ]
