# WEBHOOK_SECRET=whsec_… PORT=3000 python flask_receiver.py
import logging
import os

from flask import Flask, request
from standardwebhooks import Webhook, WebhookVerificationError

app = Flask(__name__)
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
log = logging.getLogger(__name__)
seen = set()  # in production a table with a unique key


@app.post("/webhook")
def receive():
    try:
        event = webhook.verify(request.get_data(), dict(request.headers))
    except (WebhookVerificationError, ValueError):  # or unreadable
        return {"error": "wrong signature"}, 401

    delivery = request.headers["webhook-id"]
    if delivery not in seen:
        handle(event)  # where this raises, Flask answers 500, and the webhook comes again
        seen.add(delivery)
    return {"received": True}


def handle(event):
    # Learning events have `event`, those of the assessment format `name`.
    log.info("handled %s %s", event.get("event") or event.get("name"), event["id"])


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    app.run(port=int(os.environ.get("PORT", "3000")))
