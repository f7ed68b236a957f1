import os
import sys

from django.conf import settings
from django.http import JsonResponse

from mysite.tasks import shout


def home(request):
    """Which worker answers: its pid, its parent's, and the server it runs in."""
    server = "uwsgi" if "uwsgi" in sys.modules else request.META.get("SERVER_SOFTWARE", "unknown")
    return JsonResponse({"pid": os.getpid(), "parent": os.getppid(), "server": server})


def enqueue(request, text):
    """Hands a task to celery; what came of it stands under /result/ID, once it is done."""
    return JsonResponse({"task": shout.delay(text).id}, status=202)


def result(request, task):
    file = settings.RESULTS / f"{task}.txt"
    if not file.exists():
        return JsonResponse({"done": False}, status=404)
    return JsonResponse({"done": True, "text": file.read_text()})
