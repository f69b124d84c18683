/**
 * What can go wrong, as one tree of unchecked exceptions under {@link
 * com.rocketlearning.exception.RocketException}.
 *
 * <ul>
 *   <li>{@link com.rocketlearning.exception.ValidationException}: refused here, nothing was sent
 *   <li>{@link com.rocketlearning.exception.ApiException}: the server refused; nothing was changed
 *       by a 4xx
 *   <li>{@link com.rocketlearning.exception.TransportException}: no whole answer came; the request
 *       may or may not have been done, and may be made again, since it carries the same key each
 *       time
 *   <li>{@link com.rocketlearning.exception.CircuitOpenException}: nothing was sent, the server
 *       failed too often just now
 * </ul>
 */
package com.rocketlearning.exception;
