/** Receiving webhooks: is it really the server, and is it now? */
package com.rocketlearning.webhook;
