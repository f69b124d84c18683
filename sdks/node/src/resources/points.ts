/** `client.points`: points by hand. */

import { preparePoints, prepareReversal } from '../awards.js';
import type { PointsRequest, PointsResult, ReversalRequest, ReversalResult } from '../types.js';
import { Resource, type WriteOptions } from './resource.js';

export class Points extends Resource {
  /** Gives points to a learner; one who isn't known is made. */
  async award(request: PointsRequest, options: WriteOptions = {}): Promise<PointsResult> {
    return this.postOnce('/v1/points/award', preparePoints(request, options.idempotencyKey), options);
  }

  /** Spends a learner's points; never more than there are (InsufficientPointsError). */
  async deduct(request: PointsRequest, options: WriteOptions = {}): Promise<PointsResult> {
    return this.postOnce('/v1/points/deduct', preparePoints(request, options.idempotencyKey), options);
  }

  /** Undoes an entry by a new one; a second time is a ConflictError. */
  async reverse(request: ReversalRequest, options: WriteOptions = {}): Promise<ReversalResult> {
    return this.postOnce('/v1/points/reverse', prepareReversal(request, options.idempotencyKey), options);
  }
}
