"""As little Django as shows the whole chain: no database, no sessions, no templates."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "an example, and no secret"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"
INSTALLED_APPS = []
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
STATIC_URL = "/static/"  # nginx answers these from static/
USE_TZ = True
TIME_ZONE = "UTC"

RESULTS = BASE_DIR / "results"  # where the celery tasks write
