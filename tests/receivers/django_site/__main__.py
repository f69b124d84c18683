"""A Django project in one file around the view: settings and URLs from the environment."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import execute_from_command_line
from django.urls import path

logging.basicConfig(level=logging.INFO)
sys.path.insert(0, str(Path(__file__).parent))

settings.configure(
    SECRET_KEY="of this test alone",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    WEBHOOK_SECRET=os.environ["WEBHOOK_SECRET"],
)

from views import rocket_webhook  # noqa: E402 - after the settings

urlpatterns = [path("webhooks/rocket", rocket_webhook)]

if __name__ == "__main__":
    execute_from_command_line(["", "runserver", "--noreload", f"127.0.0.1:{os.environ['PORT']}"])
