"""A receiver of webhooks that believes only the server: `python receive_webhooks.py`."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rocket_learning import WebhookVerificationError, verify_webhook

MAX_BODY_BYTES = 1_000_000


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what was signed with WEBHOOK_SECRET, and 401 to everything else."""

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length", 0)), MAX_BODY_BYTES)
        body = self.rfile.read(length)
        try:
            event = verify_webhook(body, dict(self.headers), os.environ["WEBHOOK_SECRET"])
        except WebhookVerificationError as error:
            print(f"refused: {error.code}")
            self.send_response(401)
        else:
            print(f"{event['event']} of {event['user_id']}: {event['points_awarded']} points")
            self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 3000), Receiver).serve_forever()
