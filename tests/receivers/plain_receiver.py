# WEBHOOK_SECRET=whsec_… PORT=3000 python plain_receiver.py
import logging
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
log = logging.getLogger(__name__)
seen = set()  # in production a table with a unique key


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = webhook.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):  # or unreadable
            return self.answer(401)

        delivery = self.headers["webhook-id"]
        if delivery not in seen:
            handle(event)
            seen.add(delivery)
        self.answer(200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def handle(event):
    # Learning events have `event`, those of the assessment format `name`.
    log.info("handled %s %s", event.get("event") or event.get("name"), event["id"])


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Receiver).serve_forever()
