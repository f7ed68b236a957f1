import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

app = Celery("mysite", broker="{{broker_url}}", include=["mysite.tasks"])
app.conf.task_ignore_result = True
app.conf.beat_schedule = {"write the time": {"task": "mysite.tasks.write_time", "schedule": 1.0}}
{{filesystem}}app.conf.broker_transport_options = {
{{filesystem}}    "data_folder_in": "{{dir}}/run/queue",
{{filesystem}}    "data_folder_out": "{{dir}}/run/queue",
{{filesystem}}    "control_folder": "{{dir}}/run/control",
{{filesystem}}}
