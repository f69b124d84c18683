/** What a client can be set up with, and what it makes of that. */

import { randomUUID } from 'node:crypto';

import { ConfigurationError } from './errors.js';
import { type Complete, RETRY_DEFAULTS, type RetryOptions, type RetryPolicy, sleep } from './retry.js';
import type { Logger, Hooks } from './telling.js';

/** Where the hosted service is, by the name of its environment. */
export const ENVIRONMENTS = {
  production: 'https://api.rocketlearningrewards.com',
  staging: 'https://api.staging.rocketlearningrewards.com',
} as const;

export type Environment = keyof typeof ENVIRONMENTS;

/** When calls stop being made to a server that fails. */
export interface BreakerOptions {
  readonly enabled?: boolean | undefined;
  /** Failed tries in a row; 5 by default. */
  readonly threshold?: number | undefined;
  /** Milliseconds until one call tries again; 60,000 by default. */
  readonly timeout?: number | undefined;
}

/** How to set up a client. Durations are in milliseconds. */
export interface ClientOptions {
  /** Else `ROCKET_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** Which hosted service, where no base URL says otherwise; `production` by default. */
  readonly environment?: Environment | undefined;
  /** The server's address, else `ROCKET_BASE_URL`. */
  readonly baseURL?: string | undefined;
  readonly retry?: RetryOptions | undefined;
  /** For one try, from the connection to the last byte; 30,000 by default. */
  readonly timeout?: number | undefined;
  /** Whether events are looked through before they are sent; true by default. */
  readonly validateEvents?: boolean | undefined;
  readonly circuitBreaker?: BreakerOptions | undefined;
  readonly logger?: Logger | undefined;
  readonly hooks?: Hooks | undefined;
  /** Your program's name and version, which go behind those of this package in `User-Agent`. */
  readonly userAgent?: string | undefined;
  /** Replacements for the outside world, which tests need. */
  readonly world?: Partial<World> | undefined;
}

/** What a client needs of the outside world. */
export interface World {
  readonly fetch: Fetch;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly newId: () => string;
  /** A number from 0 to 1. */
  readonly random: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** As much of `fetch` as is used. */
export type Fetch = (url: string, request: FetchRequest) => Promise<FetchAnswer>;

export interface FetchRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly redirect: 'manual';
  readonly signal: AbortSignal;
}

export interface FetchAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** Options with everything decided. */
export interface Config {
  readonly apiKey: string;
  readonly baseURL: string;
  readonly retry: RetryPolicy;
  readonly timeout: number;
  readonly validateEvents: boolean;
  readonly circuitBreaker: Complete<BreakerOptions>;
  readonly userAgent: string | undefined;
  readonly world: World;
}

/** The options with defaults filled in. Raises ConfigurationError for what can't work. */
export function configure(options: ClientOptions): Config {
  const config: Config = {
    apiKey: apiKeyOf(options.apiKey),
    baseURL: baseURLOf(options.baseURL, options.environment),
    retry: { ...RETRY_DEFAULTS, ...defined(options.retry) },
    timeout: options.timeout ?? 30_000,
    validateEvents: options.validateEvents ?? true,
    circuitBreaker: { enabled: true, threshold: 5, timeout: 60_000, ...defined(options.circuitBreaker) },
    userAgent: options.userAgent,
    world: {
      fetch: globalThis.fetch,
      now: Date.now,
      newId: randomUUID,
      random: Math.random,
      sleep,
      ...defined(options.world),
    },
  };
  check(config);
  return config;
}

function check({ retry, timeout, userAgent = '' }: Config): void {
  if (!/^[\x20-\x7e]*$/.test(userAgent)) throw new ConfigurationError('userAgent must be printable ASCII');
  const { maxRetries, baseDelay, backoffMultiplier, maxDelay, jitter, maxRetryAfter } = retry;
  const bounds: readonly (readonly [name: string, value: number, min: number, max: number])[] = [
    ['timeout', timeout, 1, 2 ** 31 - 1],
    ['retry.maxRetries', maxRetries, 0, Infinity],
    ['retry.baseDelay', baseDelay, 0, Infinity],
    ['retry.backoffMultiplier', backoffMultiplier, 1, Infinity],
    ['retry.maxDelay', maxDelay, 0, Infinity],
    ['retry.jitter', jitter, 0, 1],
    ['retry.maxRetryAfter', maxRetryAfter, 0, Infinity],
  ];
  for (const [name, value, min, max] of bounds) {
    if (!(value >= min && value <= max)) {
      throw new ConfigurationError(`${name} must be a number from ${min} to ${max}`);
    }
  }
}

function apiKeyOf(given: string | undefined): string {
  const key = given || process.env['ROCKET_API_KEY'];
  if (!key) throw new ConfigurationError('no API key: give apiKey, or set ROCKET_API_KEY');
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new ConfigurationError('the API key has blanks or characters that no key has');
  }
  return key;
}

/** The base URL: the argument, else ROCKET_BASE_URL, else the environment's. Raises ConfigurationError. */
export function baseURLOf(given: string | undefined, environment: Environment = 'production'): string {
  if (!Object.hasOwn(ENVIRONMENTS, environment)) {
    throw new ConfigurationError(`environment must be one of ${Object.keys(ENVIRONMENTS).join(', ')}`);
  }
  const address = (given?.trim() || process.env['ROCKET_BASE_URL']?.trim()) ?? '';
  if (address === '') return ENVIRONMENTS[environment];
  // The address itself isn't shown: there may be a password in it.
  const refuse = (why: string): never => {
    throw new ConfigurationError(`the base URL ${why}`);
  };
  if (!/^https?:\/\/[^/?#]/i.test(address) || !isURL(address)) {
    refuse('must be a whole one: https://rocket.example.org');
  }
  if (/[?#]/.test(address)) refuse('must not have a query or a fragment');
  const { username, password } = new URL(address);
  if (username || password) refuse('must not have a user name or password');
  return address.replace(/\/+$/, '');
}

// URL.canParse isn't in every Node.js 18.
function isURL(address: string): boolean {
  try {
    return Boolean(new URL(address));
  } catch {
    return false;
  }
}

/** Without what is undefined, so that it doesn't hide a default. */
function defined<T extends object>(options: T | undefined): Partial<Complete<T>> {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<Complete<T>>;
}
