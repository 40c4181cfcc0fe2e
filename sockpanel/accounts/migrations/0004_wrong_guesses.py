from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_people'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='wrong_guesses',
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    ]
