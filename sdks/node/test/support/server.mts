/** A server on this machine that answers by a script, over a real socket. */

import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What one request gets. */
export type Handler = (req: IncomingMessage, res: ServerResponse, body: string) => void;

export interface ScriptedServer {
  readonly baseURL: string;
  readonly requests: {
    readonly headers: IncomingMessage['headers'];
    readonly body: string;
    readonly url: string;
  }[];
  close(): Promise<void>;
}

/** Answers requests in turn by `handlers`; those after the last get the last. */
export async function serve(...handlers: readonly Handler[]): Promise<ScriptedServer> {
  const requests: ScriptedServer['requests'] = [];
  const sockets = new Set<Socket>();
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      requests.push({ headers: req.headers, body, url: req.url ?? '' });
      handlers[Math.min(requests.length, handlers.length) - 1]?.(req, res, body);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseURL: `http://127.0.0.1:${port}`,
    requests,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers JSON. */
export function answer(status: number, body: object, headers: Record<string, string> = {}): Handler {
  return (_, res) => {
    res.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    res.end(JSON.stringify(body));
  };
}

/** Ends the connection without an answer. */
export const reset: Handler = (req) => {
  req.socket.destroy();
};

/** Never answers. */
export const silence: Handler = () => undefined;
