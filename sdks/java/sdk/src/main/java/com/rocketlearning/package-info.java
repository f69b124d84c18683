/**
 * The client: {@link com.rocketlearning.RocketClient} and what it is made of. Begin there.
 *
 * <p>What the server answers is in {@link com.rocketlearning.model}, what can go wrong in {@link
 * com.rocketlearning.exception}, receiving webhooks in {@link com.rocketlearning.webhook}.
 */
package com.rocketlearning;
