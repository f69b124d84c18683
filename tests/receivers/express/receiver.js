// WEBHOOK_SECRET=whsec_… PORT=3000 node receiver.js
import crypto from 'node:crypto';
import express from 'express';
import { Webhook } from 'standardwebhooks';

const secret = process.env.WEBHOOK_SECRET;
const standard = new Webhook(secret);
const seen = new Set(); // in production a table with a unique key

const app = express();
// Signatures are made over the bytes as they came, so nothing may parse the body before.
app.use(express.raw({ type: 'application/json', limit: '1mb' }));

// The plain signature: HMAC-SHA256 of the body, the key being the secret as it was shown.
app.post('/webhooks/rocket', (req, res) => {
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  const hmac = crypto.createHmac('sha256', secret).update(body).digest('hex');
  const expected = Buffer.from(`sha256=${hmac}`);
  const given = Buffer.from(req.get('X-Signature') ?? '');
  if (given.length !== expected.length || !crypto.timingSafeEqual(given, expected)) {
    return res.status(401).json({ error: 'wrong signature' });
  }
  handleOnce(req.get('webhook-id'), JSON.parse(body), res);
});

// Standard Webhooks: the signature covers id and time too, so an old request can't be sent again.
app.post('/webhook', (req, res) => {
  let event;
  try {
    event = standard.verify(req.body, req.headers);
  } catch {
    return res.status(401).json({ error: 'wrong signature' });
  }
  handleOnce(req.get('webhook-id'), event, res);
});

function handleOnce(id, event, res) {
  if (!seen.has(id)) {
    handle(event); // where this throws, Express answers 500, and the webhook comes again
    seen.add(id);
  }
  res.json({ received: true });
}

function handle(event) {
  // Learning events have `event`, those of the assessment format `name`.
  console.log('handled', event.event ?? event.name, event.id);
}

app.listen(process.env.PORT ?? 3000, '127.0.0.1');
