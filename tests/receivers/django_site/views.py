import hashlib
import hmac
import json
import logging

from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

log = logging.getLogger(__name__)
WEEK_S = 7 * 24 * 3600


@csrf_exempt
@require_POST
def rocket_webhook(request):
    key = settings.WEBHOOK_SECRET.encode()
    expected = "sha256=" + hmac.new(key, request.body, hashlib.sha256).hexdigest()
    given = request.headers.get("X-Signature", "")
    if not hmac.compare_digest(expected.encode(), given.encode()):
        return HttpResponse("wrong signature", status=401)

    delivery = f"webhook:{request.headers['webhook-id']}"
    if cache.add(delivery, True, WEEK_S):  # False where it is there already: a duplicate
        try:
            handle(json.loads(request.body))
        except Exception:
            cache.delete(delivery)
            raise  # Django answers 500, and the webhook comes again
    return JsonResponse({"received": True})


def handle(event):
    # Learning events have `event`, those of the assessment format `name`.
    log.info("handled %s %s", event.get("event") or event.get("name"), event["id"])
