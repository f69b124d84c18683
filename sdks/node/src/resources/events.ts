/** `client.events`: learning events, sent and read. */

import type { World } from '../config.js';
import { type Validation, prepareBatch, prepareEvent } from '../event.js';
import type { Paged } from '../paging.js';
import { type EventSchema, readSchema } from '../schema.js';
import type { CallOptions, Transport } from '../transport.js';
import type {
  BatchResult,
  EventFilter,
  EventPage,
  LearningEvent,
  StampedEvent,
  StoredEvent,
  TrackResult,
  ValidationResult,
} from '../types.js';
import { Resource, pathOf } from './resource.js';

export class Events extends Resource {
  readonly #validate: boolean;
  #schema: EventSchema | null = null;

  constructor(transport: Transport, world: World, validate: boolean) {
    super(transport, world);
    this.#validate = validate;
  }

  /** Stores an event and awards what it is worth; answered after the commit. */
  async track(event: LearningEvent, options?: CallOptions): Promise<TrackResult> {
    return this.post('/v1/events', this.prepare(event), options);
  }

  /** Stores 1 to 10,000 events in one request. What the server can't take is told by `results[…].error`. */
  async trackBatch(events: readonly LearningEvent[], options?: CallOptions): Promise<BatchResult> {
    const batch = prepareBatch(events, this.world, this.#validation);
    return this.post('/v1/events/batch', { events: batch }, options);
  }

  /** Asks the server what is wrong with an event; nothing is stored. */
  async validate(event: LearningEvent, options?: CallOptions): Promise<ValidationResult> {
    const asItIs = prepareEvent(event, this.world, { enabled: false, schema: null });
    return this.post('/v1/events/validate', asItIs, options);
  }

  /** One event with what every rule says about it, and why. */
  async get(eventId: string, options?: CallOptions): Promise<StoredEvent> {
    return this.read(pathOf('/v1/events/', { event_id: eventId }), options);
  }

  /** Stored events, the latest received first. */
  list(filter: EventFilter = {}, options?: CallOptions): Paged<EventPage, StoredEvent> {
    return this.pages<EventPage, StoredEvent>('/v1/events', filter, ({ events }) => events, options);
  }

  /** From now on, events must meet this too; null ends it. Raises ConfigurationError for what is no schema. */
  setSchema(schema: EventSchema | null): void {
    this.#schema = schema === null ? null : readSchema(schema);
  }

  /** The event as it will be sent: stamped, and looked through. Raises ValidationError. */
  prepare(event: LearningEvent): StampedEvent {
    return prepareEvent(event, this.world, this.#validation);
  }

  get #validation(): Validation {
    return { enabled: this.#validate, schema: this.#schema };
  }
}
